"""Points in time as the tool holds them: int64 microseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from lurm_cli.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_YEAR, _LAST_YEAR = 2, 9998


def parse_time(value: str | date | datetime, what: str = "time") -> int:
    """Read an ISO 8601 date or time; without a zone it is UTC.

    Parameters
    ----------
    value
        Text such as ``2017-10-01`` or ``2017-10-01T08:00:00+02:00``, or the date or datetime that a TOML
        file holds.
    what
        The name of the setting, for the message.

    Returns
    -------
    int
        Microseconds since 1970-01-01 UTC.

    Raises
    ------
    UsageError
        If the text is not ISO 8601, or outside the years 2 to 9998.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise UsageError(
                f"{what}: {value!r} is not a date or time; write it as 2017-10-01 or 2017-10-01T08:00:00Z"
            ) from None
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)
    else:
        raise UsageError(f"{what}: {value!r} is not a date or time; write it as 2017-10-01")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # At the ends of the calendar, the same moment in UTC or one microsecond before it may have no date.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise UsageError(f"{what}: {value} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return (moment - _EPOCH) // _MICROSECOND


def format_time(microseconds: int) -> str:
    """ISO 8601 in UTC; a plain date where it is midnight."""
    moment = _EPOCH + timedelta(microseconds=int(microseconds))
    if moment.time() == datetime.min.time():
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")
