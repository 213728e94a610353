"""The paper's claims, each with the verdict that the results allow.

A claim holds where LURM's lead over the same splits has a 95 % interval above zero, does not hold where the interval
lies below zero, and is open where it holds zero. A claim on a kind of tasks holds, or does not, where
all of them agree. LURM is that of the default settings, which depart from the paper; where the method was also trained
as printed (``--preset paper``), its own lead over the same competitor stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reproduce.plan import PAPER_METHODS

HEAD = "logistic"
NAMES = {"tfidf": "TF-IDF", "doc2vec": "Doc2Vec", "textcnn": "TextCNN", "han": "HAN", "sumn": "SUMN", "ptum": "PTUM"}
# Margins of Table 2, AUC points averaged over its tasks.
_PAPER_MARGIN = {"sumn": "+3.2", "ptum": "+4.4", "textcnn": "+8.3", "han": "+3.8", "tfidf": "+4.2", "doc2vec": "+5.6"}


@dataclass(frozen=True)
class Claim:
    """A claim and what was found, log by log."""

    text: str
    source: str
    findings: list[str]
    testable: bool = True
    printed: tuple[str, ...] = ()

    def found(self) -> str:
        """What stands in the table."""
        return "; ".join(self.findings) or ("not run yet" if self.testable else "cannot be tested here")

    def found_as_printed(self) -> str:
        """The same of the method as the paper prints it; empty where it was not trained so."""
        return "; ".join(self.printed)


def verdict(lead: list[float | None]) -> str:
    """In words, with the lead and its interval.

    Parameters
    ----------
    lead
        Mean, low and high of LURM's AUC minus the other's, in points.
    """
    mean, low, high = lead
    if mean is None or low is None or high is None:
        return "open (one split)"
    word = "holds" if low > 0 else "does not hold" if high < 0 else "open"
    return f"{word}: {mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def lead_over(results: dict[str, Any], other: str, task: str = "mean", head: str = HEAD) -> list[float | None]:
    """LURM's lead: the differences are kept as the other minus LURM."""
    return _turned(results["summary"][head][other][task]["difference"])


def _turned(difference: list[float | None]) -> list[float | None]:
    """The difference the other way round; from zero, as a minus before 0.0 would be shown."""
    mean, low, high = difference
    return [None if value is None else 0.0 - value for value in (mean, high, low)]


def claims(held: dict[str, Any]) -> list[Claim]:
    """All claims of the paper's section 4, and what became of each."""
    found = []
    for method in PAPER_METHODS:
        found.append(
            Claim(
                f"LURM is above {NAMES[method]} ({_PAPER_MARGIN[method]} on Amazon)",
                "Table 2",
                _by_log(held, "main", method),
                printed=_pairs(held, "paper", method),
            )
        )
    found += [
        Claim(
            "LURM is above BoI (+8.1 on Amazon)",
            "Table 2",
            _by_log(held, "main", "boi"),
            printed=_pairs(held, "paper", "boi"),
        ),
        Claim(
            "Lifelong input beats two months on profiles (+9.7)",
            "Table 3, Fig. 3",
            _kind(held, "lengths", "lurm-2m", "profile"),
        ),
        Claim(
            "Lifelong input beats two months on categories (+1.4)",
            "Table 3",
            _kind(held, "lengths", "lurm-2m", "preference"),
        ),
        Claim(
            "Many anchors beat one of 128 (+5.3 on profiles)",
            "Table 4",
            _kind(held, "variants", "1anchor-128", "profile"),
        ),
        Claim("Many anchors beat one of 1,280", "Table 4", _by_log(held, "variants", "1anchor-1280")),
        Claim("Two scales beat the finer alone", "Table 4", list(_pairs(held, "two-scales", "month"))),
        Claim("Two scales beat the coarser alone", "Table 4", list(_pairs(held, "two-scales", "coarse"))),
        Claim("Three scales, with the whole life, beat the finest alone", "ours", _by_log(held, "variants", "month")),
        Claim(
            "Three scales, with the whole life, beat the paper's two", "ours", _by_log(held, "variants", "two-scales")
        ),
        Claim("Category tasks are best at about a year of input", "Fig. 3", _best_length(held)),
        Claim(
            "The margins on 43.5 M users of Amazon and 214 M of the industrial log", "Tables 1 to 4", [], testable=False
        ),
    ]
    return found


def _by_log(held: dict[str, Any], part: str, other: str) -> list[str]:
    return [
        f"{entry['title']}: {verdict(lead_over(entry[part], other))}"
        for entry in held.values()
        if part in entry and other in entry[part]["summary"][HEAD]
    ]


def _pairs(held: dict[str, Any], reference: str, other: str) -> tuple[str, ...]:
    """Leads of another reference than LURM, by log; differences are kept as the other minus the reference."""
    return tuple(
        f"{entry['title']}: {verdict(_turned(entry['pairs'][reference][other]))}"
        for entry in held.values()
        if other in entry.get("pairs", {}).get(reference, {})
    )


def _tasks(results: dict[str, Any], kind: str) -> list[str]:
    return [task["name"] for task in results["tasks"] if task["kind"] == kind]


@dataclass(frozen=True)
class Leads:
    """LURM's leads over another method: how many tasks have an interval above and below zero, and the mean."""

    above: int
    below: int
    mean: float


def leads_over(results: dict[str, Any], other: str, tasks: list[str]) -> Leads:
    """Task by task; a lead without an interval, of one split, counts as neither."""
    leads = [lead_over(results, other, task) for task in tasks]
    return Leads(
        above=sum(low is not None and low > 0 for _, low, _ in leads),
        below=sum(high is not None and high < 0 for _, _, high in leads),
        mean=sum(mean or 0.0 for mean, _, _ in leads) / len(leads),
    )


def _kind(held: dict[str, Any], part: str, other: str, kind: str) -> list[str]:
    found = []
    for entry in (entry for entry in held.values() if part in entry):
        results = entry[part]
        tasks = _tasks(results, kind)
        if tasks and other in results["summary"][HEAD]:
            leads = leads_over(results, other, tasks)
            word = "holds" if leads.above == len(tasks) else "does not hold" if leads.below == len(tasks) else "open"
            found.append(
                f"{entry['title']}: {word}: {leads.mean:+.1f} on the mean, interval above 0 in {leads.above} of "
                f"{len(tasks)}"
            )
    return found


def lengths_of(results: dict[str, Any]) -> list[int]:
    """Months of input that were compared, ascending, from the names ``lurm-Km``."""
    return sorted(int(name[5:-1]) for name in results["summary"][HEAD] if name.startswith("lurm-"))


def _best_length(held: dict[str, Any]) -> list[str]:
    found = []
    for entry in (entry for entry in held.values() if "lengths" in entry):
        results = entry["lengths"]
        lengths, tasks = lengths_of(results), _tasks(results, "preference")
        if not tasks or not lengths or max(lengths) <= 12:
            continue
        mean = {
            months: sum(results["summary"][HEAD][f"lurm-{months}m"][task]["auc"][0] for task in tasks) / len(tasks)
            for months in lengths
        }
        best = max(mean, key=mean.__getitem__)
        # The best length may be so by chance: all of the life has to be behind it.
        below = leads_over(results, f"lurm-{best}m", tasks).below
        word = "does not hold" if not 6 <= best <= 24 else "holds" if below == len(tasks) else "open"
        found.append(
            f"{entry['title']}: {word}: best at {best} months ({mean[best]:.1f}; all: {mean[max(lengths)]:.1f}, "
            f"interval below it in {below} of {len(tasks)})"
        )
    return found
