"""From results.json to the tables: ours, and the paper's beside them."""

from __future__ import annotations

from typing import Any

from lurm_cli.baselines.registry import SUPERVISED
from lurm_cli.evaluation.figures import length_curves
from lurm_cli.evaluation.heads import HEAD_NAMES
from lurm_cli.evaluation.labels import class_shares
from lurm_cli.evaluation.summary import spread
from reproduce import claims, paper
from reproduce.document import Block, Figure, Heading, Paragraph, Table
from reproduce.plan import MAIN, PARTS


def everything(held: dict[str, Any]) -> list[Block]:
    """The whole document."""
    seeds = max(entry[part]["seeds"] for entry in held.values() for part in PARTS if part in entry)
    blocks: list[Block] = [
        Heading(1, "The paper's tables on public data"),
        Paragraph(
            "Written by `make reproduce` from `reproduce/results.json`; nothing here is typed. Every figure is "
            f"percent, mean ± standard deviation over {seeds} random splits of the users into 80 % training and 20 % "
            "test, the same for every method; both heads settle everything inside the training users. AUC of several "
            "classes is the macro average of one against the rest. The last columns are the mean over the tasks (AUC, "
            "then accuracy) and LURM's lead on that mean with its corrected 95 % interval over the same splits. "
            "Everything runs with default settings; the supervised methods (TextCNN, HAN) have a last layer of their "
            "own and stand in both tables with the same figures. Seconds are those of `train-smen` and of each "
            "competitor's `lurm baseline`, some of them beside other jobs: an order of magnitude, not a benchmark."
        ),
        Heading(2, "The paper's claims"),
        Paragraph(
            "By LURM's lead in AUC points (logistic regression). holds: the 95 % interval lies above zero; does not "
            "hold: below; open: it holds zero. A claim on profiles or categories holds, or does not, where all tasks "
            "agree. Found: with the default settings, which depart from the paper (docs/method.md says how). As "
            "printed: the same lead of `--preset paper`, which has none of the departures, where it was trained."
        ),
        Table(
            ["claim", "source", "found", "as printed"],
            [[c.text, c.source, c.found(), c.found_as_printed()] for c in claims.claims(held)],
            left=(0, 1, 2, 3),
        ),
        Heading(2, "All logs"),
    ]
    for head, name in HEAD_NAMES.items():
        blocks += [Paragraph(f"Mean AUC over a log's tasks, {name}:"), summary_table(held, head)]
    for entry in held.values():
        blocks += log_blocks(entry)
    blocks += paper_blocks()
    return blocks


def summary_table(held: dict[str, Any], head: str) -> Table:
    """Mean AUC by method and log, a log's best in bold."""
    scored = [entry for entry in held.values() if "main" in entry]
    summaries = [entry["main"]["summary"][head] for entry in scored]
    best = [max(found["mean"]["auc"][0] for found in summary.values()) for summary in summaries]
    rows = []
    for method in MAIN:
        row = [method]
        for summary, level in zip(summaries, best, strict=True):
            row.append(_marked(summary[method]["mean"]["auc"], level) if method in summary else "")
        if any(row[1:]):
            rows.append(row)
    return Table(["", *(entry["title"] for entry in scored)], rows)


def log_blocks(entry: dict[str, Any]) -> list[Block]:
    """Everything about one log."""
    blocks: list[Block] = [Heading(2, entry["title"]), Paragraph(entry["note"])]
    if "main" in entry:
        main = entry["main"]
        blocks.append(task_table(main))
        for head in main["summary"]:
            blocks += [Heading(3, f"Methods, {HEAD_NAMES[head]}"), score_table(main, head, seconds=entry["seconds"])]
    if "variants" in entry:
        blocks.append(Heading(3, "Ablations (Table 4) and departures from the paper"))
        blocks.append(Paragraph("; ".join(f"{name}: {what}" for name, what in entry["whats"].items()) + "."))
        for head in entry["variants"]["summary"]:
            blocks += [Paragraph(f"{HEAD_NAMES[head].capitalize()}:"), score_table(entry["variants"], head)]
    if "lengths" in entry:
        blocks += [
            Heading(3, "Length of input (Table 3, Figure 3)"),
            Paragraph("Users who were active in the shortest input; -2m: the last two months."),
            task_table(entry["lengths"]),
        ]
        for head in entry["lengths"]["summary"]:
            blocks += [Paragraph(f"{HEAD_NAMES[head].capitalize()}:"), score_table(entry["lengths"], head)]
        blocks.append(Figure(length_curves(*curves(entry["lengths"]))))
    return blocks


def curves(results: dict[str, Any]) -> tuple[list[int], dict[str, dict[str, list[list[float]]]]]:
    """For Figure 3: months, and by metric and task the mean and spread at each."""
    summary = results["summary"][claims.HEAD]
    months = claims.lengths_of(results)
    tasks = [task["name"] for task in results["tasks"]]
    return months, {
        metric: {task: [summary[f"lurm-{k}m"][task][metric] for k in months] for task in tasks}
        for metric in ("auc", "acc")
    }


def task_table(results: dict[str, Any]) -> Table:
    """Users, classes and the accuracy of always naming the largest class."""
    rows = []
    for task in results["tasks"]:
        shares = ", ".join(f"{name} {share:.0f} %" for name, share in class_shares(task))
        rows.append([task["name"], task["kind"], f"{task['n']:,}", f"{100 * task['majority']:.1f}", shares])
    return Table(["task", "kind", "users", "largest class, %", "classes"], rows, left=(0, 1, 4))


def score_table(results: dict[str, Any], head: str, seconds: dict[str, float] | None = None) -> Table:
    """AUC by method and task, best in bold; mean AUC, mean accuracy, LURM's lead."""
    summary = results["summary"][head]
    tasks = [task["name"] for task in results["tasks"]]
    places = [*tasks, "mean"]
    best = {place: max(entry[place]["auc"][0] for entry in summary.values()) for place in places}
    best_acc = max(entry["mean"]["acc"][0] for entry in summary.values())
    numbers = {method["name"]: method["dim"] for method in results["methods"]}
    rows = []
    for method in numbers:  # in the order of the plan
        entry = summary[method]
        # What is trained on the labels has no numbers of its own, and its time is within that of scoring.
        own = method not in SUPERVISED
        row = [method, f"{numbers[method]:,}" if own else ""]
        for place in places:
            row.append(_marked(entry[place]["auc"], best[place]))
        row.append(_marked(entry["mean"]["acc"], best_acc))
        lead = "" if method == results["reference"] else _lead(claims.lead_over(results, method, head=head))
        row.append(lead)
        if seconds is not None:
            row.append(f"{seconds[_time_of(method)]:,.0f}" if own and _time_of(method) in seconds else "")
        rows.append(row)
    head_row = ["", "numbers", *tasks, "mean", "mean ACC", "LURM's lead"]
    return Table([*head_row, "seconds"] if seconds is not None else head_row, rows)


def _time_of(method: str) -> str:
    """Under which name a method's time is kept: what it adds to the stages that all share."""
    return {"lurm": "train-smen", "boi": "boi"}.get(method, method)


def _marked(value: list[float], best: float) -> str:
    text = f"{value[0]:.1f}{spread(value[1], ' ')}"
    return f"*{text}*" if value[0] == best else text


def _lead(lead: list[float | None]) -> str:
    mean, low, high = lead
    interval = "" if low is None or high is None else f" [{low:+.1f}, {high:+.1f}]"
    return f"{mean:+.1f}{interval}"


def paper_blocks() -> list[Block]:
    """What the paper printed."""
    return [
        Heading(2, "The paper's figures"),
        Paragraph("AUC / ACC, percent, as published (arXiv 2110.11337); on logs that are not public, or larger."),
        Heading(3, "Table 2, Amazon"),
        _published(paper.TABLE_2, paper.TABLE_2_TASKS),
        Heading(3, "Table 3, industrial"),
        _published(paper.TABLE_3, paper.TABLE_3_TASKS),
        Heading(3, "Table 4, industrial, ablations"),
        _published(paper.TABLE_4, paper.TABLE_3_TASKS),
    ]


def _published(table: dict[str, tuple[paper.Pair, ...]], tasks: tuple[str, ...]) -> Table:
    rows = []
    for method, pairs in table.items():
        auc, acc = (sum(pair[k] for pair in pairs) / len(pairs) for k in (0, 1))
        rows.append([method, *(f"{a:.2f} / {b:.2f}" for a, b in pairs), f"{auc:.2f} / {acc:.2f}"])
    return Table(["", *tasks, "mean (computed)"], rows)
