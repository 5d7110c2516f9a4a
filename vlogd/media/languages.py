"""Language tags as files write them ("eng", "ger", "pt_BR") and as players want them (BCP 47: "en", "de", "pt-BR")."""

from contextlib import suppress

import langcodes
from langcodes.tag_parser import LanguageTagError

UNKNOWN = "und"

_NAMES = {
    "ar": "العربية", "cs": "Čeština", "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English",
    "es": "Español", "fi": "Suomi", "fr": "Français", "he": "עברית", "hi": "हिन्दी", "hu": "Magyar",
    "id": "Bahasa Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "nl": "Nederlands",
    "no": "Norsk", "pl": "Polski", "pt": "Português", "ro": "Română", "ru": "Русский", "sv": "Svenska",
    "th": "ไทย", "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip


def tag(text: str) -> str:
    """The BCP 47 tag of a file's language tag; `und` when that is empty or invalid."""
    with suppress(LanguageTagError):
        return langcodes.standardize_tag(text) if text.strip() else UNKNOWN
    return UNKNOWN


def name(code: str) -> str:
    """A language's name in that language; the code itself where we do not know it."""
    return _NAMES.get(code, _NAMES.get(code.partition("-")[0], code))
