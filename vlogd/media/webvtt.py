"""How WebVTT writes times and text (W3C WebVTT)."""


def time(seconds: float) -> str:
    """A timestamp, to the millisecond; not before zero."""
    milliseconds = max(0, round(seconds * 1000))
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, rest = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}.{rest:03d}"


def escaped(text: str) -> str:
    """Text that can be no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
