"""Other languages go to people, and the verdict says so; short English never does."""

import pytest

from hitl.analyzers.local import LocalAnalyzer
from hitl.domain.verdicts import Post
from tests.policies import default_policies

ANALYZER = LocalAnalyzer()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Das Wetter ist heute schön und wir gehen mit den Kindern in den Park", "German"),
        ("Je suis très content de vous voir et nous allons au marché", "French"),
        ("Hoy es un día muy bonito y vamos a la playa con los amigos", "Spanish"),
        ("Oggi è una bella giornata e andiamo al mare con gli amici", "Italian"),
        ("Hoje o dia está muito bonito e nós vamos para a praia", "Portuguese"),
        ("Het is vandaag mooi weer en wij gaan met de kinderen naar het park", "Dutch"),
        ("Dzisiaj jest bardzo dobry dzień i nie ma co robić", "Polish"),
        ("сегодня хорошая погода и мы идём гулять", "another language"),
        ("今日はとても良い天気です", "another language"),
        ("الطقس جميل اليوم ونحن ذاهبون إلى الحديقة", "another language"),
        ("आज मौसम बहुत अच्छा है", "another language"),
    ],
)
def test_another_language_goes_to_people_and_is_named(text: str, name: str) -> None:
    found = ANALYZER.analyze(Post(text), default_policies())
    assert found.to_people == "language"
    assert name in found.rationale


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "lol",
        "brb",
        "see u 2moro",
        "gr8 game m8",
        "café and a croissant please",
        "C'est la vie, my friend",
        "Adios amigos!",
        "I love Müller and José",
        "omg i cant even rn",
        "12345",
        "?!",
        "🎉🎂",
        "π is 3.14159",
        "wanna grab a coffee l8r",
        "Guten Morgen, how are you all today?",
    ],
)
def test_short_english_is_english(text: str) -> None:
    assert ANALYZER.analyze(Post(text), default_policies()).to_people is None
