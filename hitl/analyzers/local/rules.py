"""What needs no learning: personal data by pattern, minors by word and age, orders given to an automated reader."""

import re
from dataclasses import dataclass

# What an address or a number says alone: too little to ask people.
ALONE = 0.2
CONTACT = r"(?:phone|number|cell|mobile|address|email|e-mail|location|workplace|license plate|ssn)"
EMAIL = re.compile(r"\b[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}\b")
PHONE = re.compile(r"(?<![\w.])\+?\(?\d{1,4}\)?(?:[ .\-/]?\(?\d{2,5}\)?){2,4}(?![\w.]?\d)")
CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
SOCIAL = re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
STREET = re.compile(
    r"\b\d{1,5}[a-z]? (?:[A-Z][\w'-]{1,20} ){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Boulevard|Blvd|Drive|Dr|Court|Ct|Way|Terrace|Place|Pl|Square)\b"
)
EXPOSES = re.compile(
    rf"\b(?:his|her|their|'s|s') (?:real |home |private |personal |work )*{CONTACT}(?: is\b|:|=|\b.{{0,20}}\d)"
    r"|\b(?:lives|living|stays|resides|parks) (?:at|on|in) \d"
    r"|\bdox(?:x)?(?:ed|ing|es)?\b|\breal name is\b|\bdrop(?:ping)? (?:the|his|her|their) (?:home )?address",
    re.IGNORECASE,
)
AGE = re.compile(
    r"\b(\d{1,2})\s{0,2}-?\s{0,2}(?:y/?o\b|yrs?\b|years?[\s-]{0,2}old|y\.o\.)|\b(?:aged?|turned|turning)\s(\d{1,2})\b"
    r"|\b(?:i'?m|i am|he'?s|she'?s|he is|she is|(?:he|she|i) was)\s(?:only |just )?(\d{1,2})\b"
    r"(?!\s?(?:%|min|km|mile|hour|day|week|month|st\b|nd\b|rd\b|th\b))",
    re.IGNORECASE,
)
AGE_WORD = re.compile(
    r"\b(?:four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)"
    r"[\s-]{1,2}(?:year|yr)s?[\s-]{1,2}old",
    re.IGNORECASE,
)
ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:previous|prior|above|earlier|your|all)\b.{0,30}"
    r"\b(?:instruction|rule|prompt|guideline|direction|context|polic)"
    r"|\b(?:reveal|print|show|repeat)\b.{0,20}\b(?:system|hidden|initial)\b.{0,10}\bprompt"
    r"|\byou are (?:now )?(?:DAN\b|in developer mode|an? (?:unfiltered|unrestricted|uncensored))"
    r"|\b(?:as the|you are an?) (?:moderat\w+|classifier|analy[sz]er)\b.{0,60}\b(?:must|should|output|answer|respond)"
    r"|^[ \t]{0,8}(?:system|assistant)[ \t]{0,4}:|<\|im_start\|>|\[/?INST\]|\"suspect\"\s*:"
    r"|\b(?:mark|classify|label|treat)\b.{0,40}\bas (?:safe|harmless|clean|allowed)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something a pattern found: where, what it is called, and how sure that alone makes us."""

    start: int
    end: int
    what: str
    confidence: float


def personal_data(content: str) -> list[Hit]:
    """Personal data in the post. A number or address alone may be the author's own; exposing somebody's is not."""
    hits = [Hit(*m.span(), "a card number", 0.9) for m in CARD.finditer(content) if luhn(m.group())]
    hits += [Hit(*m.span(), "a bank account", 0.85) for m in IBAN.finditer(content) if iban(m.group())]
    hits += [Hit(*m.span(), "a social security number", 0.85) for m in SOCIAL.finditer(content)]
    weak = [Hit(*m.span(), "an email address", ALONE) for m in EMAIL.finditer(content)]
    weak += [Hit(*m.span(), "a street address", ALONE) for m in STREET.finditer(content)]
    weak += [
        Hit(*m.span(), "a phone number", ALONE)
        for m in PHONE.finditer(content)
        if 8 <= sum(c.isdigit() for c in m.group()) <= 15 and not any(h.start <= m.start() < h.end for h in hits)
    ]
    exposing = [Hit(*m.span(), "words that expose somebody", ALONE) for m in EXPOSES.finditer(content)]
    if weak and exposing:
        weak = [Hit(h.start, h.end, h.what, 0.85) for h in weak]
    return hits + weak + exposing


def luhn(text: str) -> bool:
    """Do these digits check out as a payment card?"""
    digits = [int(c) for c in text if c.isdigit() and c.isascii()]
    if len(set(digits)) < 2:
        return False
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """Do these characters check out as an international bank account number?"""
    code = text.replace(" ", "")
    if not 15 <= len(code) <= 34 or not code.isascii():
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def ages_under_18(content: str) -> list[tuple[int, int]]:
    """Where the post states an age under 18."""
    stated = [(m, next(g for g in m.groups() if g)) for m in AGE.finditer(content)]
    numbers = [m.span() for m, age in stated if 1 <= int(age) < 18]
    return numbers + [m.span() for m in AGE_WORD.finditer(content)]


def orders(content: str) -> tuple[int, int] | None:
    """Where the post tries to give orders to an automated reader."""
    found = ORDERS.search(content)
    return found.span() if found else None
