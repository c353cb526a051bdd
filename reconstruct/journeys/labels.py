"""What a log message tells, in plain words: message or event name → Label ("Payment captured", failed or not).

Identifiers, numbers and quoted text are taken out first, so that thousands of messages come down to a few skeletons;
only distinct skeletons meet the vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from reconstruct.journeys.activities import words_of
from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import Row

MESSAGE_CAP = 300
"""Characters of a message read: what happened stands at its front, and it bounds the work on hostile lines."""
LABEL_CACHE = 20_000
"""Distinct skeletons kept before the cache is emptied."""
TOKENS_KEPT = 50_000
"""Distinct tokens whose words are kept."""
MESSAGES_KEPT = 16_384
"""Messages whose skeletons are kept: an entry is read for each object it tells of, and for the visit."""
WEAK_WORDS = 6
"""Words of an activity taken from a message no verb knows."""
FEW_WORDS = 2
"""A verb this short that stands alone speaks of the object of its entry; ``internal server error`` speaks of a machine."""
VAGUE = "errored"
"""The verb of failures of anything."""
CALL = "call"
"""State of what a program says of its work and not of what it did: ``request completed``, ``END``."""
SEVERITY = {
    "cancelled": 6, "failed": 6, "exception": 5, "returned": 5, "done": 4, "nearly": 3, "born": 2, "progress": 1,
}  # fmt: skip
"""Which of two verbs of one message tells more, when both are as long: the one that ends things."""

_SPACES = re.compile(r"[\s,;:()\[\]{}|<>!?\"'`´‘’“”#]+")
_ARROW = re.compile(r"->|=>|→|⇒|»")
_STATE_KEY = re.compile(r"\b(?:status|state|new_status|newstate)[=:]\s?\"?([A-Za-z][A-Za-z_-]{2,30})")
_QUOTED = re.compile(r"\"[^\"]{0,200}+\"|'[^']{0,200}+'(?!\w)")
_TASK = re.compile(r"([A-Za-z_][\w.:]{2,80})\[([0-9a-fA-F][0-9a-fA-F-]{7,40})\]")
_JOB = re.compile(r"\b(?:Job ID|jid|job_id|task_id|task id)[:=]\s?([\w-]{6,40})", re.IGNORECASE)
_NUMBERED_JOB = re.compile(
    r"(?:[Jj]ob|[Tt]ask)\s+([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\s+([A-Za-z]{2,20})\b:?\s?(.{0,120})"
)
"""``job 7c9e… started: mail order-confirmation for order 12``: the number is the job's, the words after it say what it does."""
_TAG = re.compile(r"\b(?:trace|span|request|correlation)[_-]?id[:=]\s?[\w-]{1,64}", re.IGNORECASE)
"""Tags that a logger puts before every message."""
_PLACEHOLDER = re.compile(r"\{@?\$?[A-Za-z_][\w.]{0,60}(?:[,:][^{}]{0,20})?\}")
"""What a message template leaves for a value (https://messagetemplates.org): ``Booking {BookingNo} changed``."""
_ANGLED = re.compile(r"=\s?<[^<>]{0,200}>")
"""A value in angle brackets, as mail programs write them: ``from=<www-data>``."""
_RECORD_FIELD = re.compile(r"\b[A-Z]\w{0,60} = [^,{}()]{0,200}|, [A-Z]\w{0,60}(?: =)? ?$")
"""A field of a record as C# writes it, and one cut in half: ``OrderPaid { OrderId = 12, Status = Paid }``."""
_BECAME = re.compile(r"\b(status|state) (?:(?:has|was|is|been) ){0,2}(?:changed|updated|set|moved|transitioned) to\b")
"""A change of state in words, the same as an arrow."""
_QUALIFIED = ("email", "invoice")


class Label(NamedTuple):
    """What one entry tells."""

    text: str
    verb: str
    """the verb's name in the vocabulary; ``""``: none stood in it, the text is only its first words"""
    noun: str
    state: str
    technical: bool
    once: bool
    """doing it twice costs: charging, shipping, refunding"""

    @property
    def failed(self) -> bool:
        """The entry says that something did not work."""
        return self.state == "failed" or self.state == "exception"


class _Verb(NamedTuple):
    """What can become of something, and how that is said."""

    name: str
    words: tuple[str, ...]
    text: str
    """the whole activity; ``""``: noun and ``said``"""
    said: str
    spoken: Mapping[str, frozenset[str]]
    """words that are said of these nouns as the log says them: an order is placed, its invoice created"""
    noun: str
    nouns: tuple[str, ...]
    of: frozenset[str]
    """nouns it is said of in their entries, where a message names nothing else"""
    state: str
    technical: bool
    once: bool
    weight: int
    """1 for a model's own steps, which win over the vocabulary"""


def _read_verb(name: str, table: Mapping[str, Any], weight: int) -> _Verb:
    return _Verb(
        name, tuple(table["words"]), table.get("text", ""), table.get("said", name),
        {word: frozenset(nouns) for word, nouns in table.get("spoken", {}).items()}, table["noun"], tuple(table["nouns"]),
        frozenset(table.get("of", ())), table["state"], table.get("technical", False), table.get("once", False), weight,
    )  # fmt: skip


OWN: Mapping[str, Any] = {"noun": "step", "nouns": ()}
"""A model's step names itself; its activity is the text."""


class Task(NamedTuple):
    """A job runner's entry."""

    name: str
    id: str
    phase: str
    """started, ended, failed, retried or ``""``: an entry the task itself wrote"""


NOTHING = Label("", "", "", "", False, False)


class Labeler:
    """Reads messages; keeps what it has read."""

    def __init__(self, models: Models) -> None:
        vocabulary = models.vocabulary
        verbs = [
            _read_verb(step["activity"], {**OWN, "text": step["activity"], **step}, 1) for step in models.model.steps
        ]
        verbs += [_read_verb(name, verb, 0) for name, verb in vocabulary["verb"].items()]
        self._phrases: dict[str, list[tuple[str, _Verb]]] = {}  # first word → phrases
        for verb in verbs:
            for word in verb.words:
                self._phrases.setdefault(word.split()[0], []).append((f" {word} ", verb))
        self._nouns_of: dict[str, str] = {}
        self._nouns = [(f" {word} ", name) for name, words in vocabulary["noun"].items() for word in words]
        self._verb_words = frozenset(word for verb in verbs for word in verb.words)
        small: Mapping[str, list[str]] = vocabulary["small_words"]
        self._prepositions = frozenset(small["prepositions"])
        self._ends = frozenset(small["ends"])
        self._never_qualify = frozenset(small["never_qualify"])
        self._small = self._prepositions | self._never_qualify
        self._asides = tuple(f" {words} " for words in small["asides"])
        self._calls = frozenset(small["calls"])
        self._speaks_of = {
            word: noun for noun, words in vocabulary["speaks_of"].items() for word in words
        }  # program → what its entries are about
        self._event_keys: list[str] = vocabulary["keys"]["event"]
        self._task_keys: list[str] = vocabulary["keys"]["task"]
        self._task_ids: list[str] = vocabulary["keys"]["task_id"]
        self._says_event, self._says_task = frozenset(self._event_keys), frozenset(self._task_ids)
        self._results: list[str] = vocabulary["keys"]["result"]
        self._phases = {
            word: phase for phase in ("started", "ended", "failed", "retried") for word in vocabulary["task"][phase]
        }
        self._labels: dict[tuple[str, str], Label] = {}

    def label(self, row: Row, attributes: Mapping[str, Any] | None = None, about: str = "") -> Label:
        """What a row tells.

        Args:
            row: Any row.
            attributes: Its attributes, when they are read already.
            about: The noun of the object the row belongs to; ``""`` when it belongs to none.
        """
        if attributes is None:
            attributes = attributes_of(row)
        text = row.message or ""
        own = self._speaks_of.get(program_of(row.service), "")
        label = self._label(text, attributes, own or about)
        return label if label.verb or not own else label._replace(noun="", state=CALL)

    def _label(self, text: str, attributes: Mapping[str, Any], about: str) -> Label:
        if attributes and not self._says_event.isdisjoint(attributes):
            event = self._event(attributes)
            if event:
                told = self.read(text, about) if " " in text else NOTHING
                return told if told.verb else self.read(event, about)
        return self.read(text, about) if text else NOTHING

    def _event(self, attributes: Mapping[str, Any]) -> str:
        for key in self._event_keys:
            value = attributes.get(key)
            if isinstance(value, str) and 2 < len(value) < MESSAGE_CAP and not value.isdigit():
                words = words_of(value.replace("/", " "))
                if words:
                    result = next((attributes[k] for k in self._results if isinstance(attributes.get(k), str)), "")
                    return f"{words} {words_of(result[:40])}" if result else words
        return ""

    def read(self, message: str, about: str = "") -> Label:
        """What a message, or the words of an event's name, tell.

        >>> from reconstruct.journeys.models import load_models
        >>> Labeler(load_models()).read("Order 1001: status Shipped -> Complete").text
        'Order completed'
        """
        key = (skeleton_of(message), about)
        label = self._labels.get(key)
        if label is None:
            if len(self._labels) > LABEL_CACHE:
                self._labels.clear()
            label = self._labels[key] = self._judge(*key)
        return label

    def noun_of(self, type_name: str) -> str:
        """The noun an identifier type is: ``purchase_order`` → ``order``; ``""`` when none is."""
        found = self._nouns_of.get(type_name)
        if found is None:
            words = f" {words_of(type_name)} "
            found = self._nouns_of[type_name] = next((noun for word, noun in self._nouns if word in words), "")
        return found

    def _judge(self, skeleton: str, about: str) -> Label:
        aside = next((words for words in self._asides if words in f" {skeleton} "), None)
        rest = f" {skeleton} ".replace(aside, " ", 1).strip() if aside is not None else ""
        if rest and rest.partition(" ")[0] not in self._prepositions:
            return self._judge(rest, about)
        if " = " in skeleton or skeleton.startswith("= "):
            rest, _, state = skeleton.rpartition("= ")
            label = self._judge(f"{rest.strip()} > {state}".strip(), about)
            return label if label.verb else self._judge(rest.strip(), about)
        if "> " not in skeleton:
            skeleton = _BECAME.sub(r"\1 >", skeleton)
        before, arrow, after = skeleton.rpartition("> ")
        told = f" {after} " if arrow else f" {skeleton} "
        whole = f" {skeleton.replace('> ', '')} "
        found_verbs: list[tuple[tuple[int, int, int, int], str, _Verb]] = []
        for word in dict.fromkeys(told.split()):
            for phrase, verb in self._phrases.get(word, ()):
                place = told.find(phrase)
                if place >= 0:
                    found_verbs.append(
                        ((verb.weight, phrase.count(" "), SEVERITY.get(verb.state, 0), -place), phrase, verb)
                    )
        if not found_verbs:
            return self._weak(skeleton, arrow, before, after)
        best = max(found_verbs, key=lambda each: each[0])
        if best[2].state == "exception":  # "order cancelled: out of stock" says what came of it, and why
            ends = [
                each for each in found_verbs if each[2].state in ("cancelled", "returned") and each[0][3] > best[0][3]
            ]
            best = max(ends, key=lambda each: each[0], default=best)
        _, phrase, verb = best
        noun, found = self._noun(whole if arrow else told, verb, phrase)
        if not noun and not verb.noun and about in verb.nouns:
            noun = about if arrow or self._says_only(told, phrase) else ""
        if not noun and about in verb.of:
            noun = about
        if not noun and not verb.noun:
            weak = self._weak(skeleton, arrow, before, after)
            return Label(weak.text or "Failed", VAGUE, "", verb.state, True, False) if verb.name == VAGUE else weak
        if not noun:
            noun, found = verb.noun, ""
        fits = not verb.nouns or noun in verb.nouns or noun == verb.noun
        state = verb.state if fits or verb.state == "failed" else "progress"
        word = phrase.strip()
        said = word if noun in verb.spoken.get(word, ()) else verb.said
        text = verb.text or f"{self._qualified(noun, found, told)} {said}"
        return Label(text, verb.name, noun, state, verb.technical, verb.once and fits)

    def _says_only(self, told: str, phrase: str) -> bool:
        """Whether an entry of an object speaks of the object: ``completed``, ``now shipped``, ``placed by ann, total EUR``.
        ``request completed`` does not, for it names something else."""
        before, found, after = told.partition(phrase)
        follows = after.lstrip().partition(" ")[0]
        return (
            bool(found)
            and all(word in self._small or word.endswith("ly") for word in before.split())
            and (follows in self._prepositions or (not follows and len(phrase.split()) <= FEW_WORDS))
        )

    def _noun(self, words: str, verb: _Verb, phrase: str) -> tuple[str, str]:
        """The noun a message is about, and the word it says for it. What follows a preposition is not."""
        spoken = next((noun for word, noun in self._nouns if word in phrase), "")
        if spoken:
            return verb.noun or spoken, ""
        rest = words.replace(phrase, " ", 1)
        found: dict[str, tuple[int, str]] = {}
        for word, noun in self._nouns:
            place = rest.find(word)
            if place < 0 or noun in found:
                continue
            ahead = rest[:place].rsplit(None, 1)
            if ahead and ahead[-1] in self._prepositions:
                continue
            found[noun] = (place, word.strip())
        for noun in verb.nouns:
            if noun in found:
                return noun, found[noun][1]
        if not found:
            return "", ""
        first = min(found, key=lambda noun: found[noun])
        return first, found[first][1]

    def _qualified(self, noun: str, word: str, told: str) -> str:
        """``Dispatch email``: what kind of mail, when the message says so."""
        name = noun.capitalize()
        if noun not in _QUALIFIED or not word:
            return name
        ahead = told[: told.find(f" {word} ")].split()
        qualifier = ahead[-1] if ahead else ""
        if (
            len(qualifier) < 4
            or qualifier in self._verb_words
            or qualifier in self._never_qualify
            or not qualifier.isalpha()
        ):
            return name
        return f"{qualifier.capitalize()} {noun}"

    def _weak(self, skeleton: str, arrow: str, before: str, after: str) -> Label:
        if arrow and after:
            subject = next((noun for word, noun in self._nouns if word in f" {before} "), "")
            return Label(f"{(subject or 'Status').capitalize()} {after}"[:60], "", subject, "", False, False)
        words: list[str] = []
        told = dict.fromkeys(skeleton.replace("> ", "").split())
        state = CALL if self._calls.issuperset(told) else ""
        for word in told:
            if len(words) >= 2 and word in self._ends:
                break
            words.append(word)
            if len(words) == WEAK_WORDS:
                break
        while len(words) > 1 and words[-1] in self._small:
            words.pop()
        return Label(" ".join(words).capitalize(), "", "", state, False, False)

    def task(self, row: Row, attributes: Mapping[str, Any]) -> Task | None:
        """The job a row belongs to, when a job runner wrote it or a job did."""
        message = (row.message or "")[:MESSAGE_CAP]
        found = _TASK.search(message) if "[" in message else None
        if found:
            rest = message[found.end() :].lower()
            if rest.startswith(":"):
                return Task(found[1], found[2], "")
            return Task(found[1], found[2], self._phase(message[: found.start()].lower() + rest))
        for key in () if self._says_task.isdisjoint(attributes) else self._task_ids:
            value = attributes.get(key)
            if isinstance(value, str | int) and value != "":
                name = next((attributes[k] for k in self._task_keys if isinstance(attributes.get(k), str)), "")
                if name:
                    return Task(name, str(value), self._phase(message.lower()))
        job = _JOB.search(message) if "id" in message or "ID" in message else None
        if job:
            name = next(
                (word for word in message.split() if word[:1].isupper() and word.endswith(("Job", "Worker"))), ""
            )
            if name:
                return Task(name, job[1], self._phase(message.lower()))
        numbered = _NUMBERED_JOB.match(message) if "ob " in message or "ask " in message else None
        if numbered:
            name = re.split(r"\s(?:for|of|on)\s|[=(\[{\d]", numbered[3], maxsplit=1)[0]
            return Task(" ".join(words_of(name).split()), numbered[1], self._phase(numbered[2].lower()))
        return None

    def _phase(self, text: str) -> str:
        for word in _SPACES.split(text)[:12]:
            phase = self._phases.get(word)
            if phase:
                return phase
        return ""

    def name_task(self, name: str) -> Label:
        """What a job does, by its name: ``shop.tasks.send_dispatch_email`` → "Dispatch email sent"."""
        last = re.split(r"[.:/#]+", name.rstrip(".:/#"))[-1]
        for ending in ("Job", "Worker", "Task", "Handler", "_job", "_task"):
            last = last.removesuffix(ending) or last
        label = self.read(words_of(last))
        return label if label.verb else label._replace(text=words_of(last).capitalize())


def program_of(service: str) -> str:
    """The program a service's name begins with.

    >>> program_of("postfix/smtp")
    'postfix'
    """
    return service.partition("/")[0].lower()


def attributes_of(row: Row) -> Mapping[str, Any]:
    """The attributes of a row; empty when it has none or they are no JSON object."""
    if not row.attributes:
        return {}
    try:
        table = orjson.loads(row.attributes)
    except orjson.JSONDecodeError:
        return {}
    return table if isinstance(table, dict) else {}


@lru_cache(MESSAGES_KEPT)
def skeleton_of(message: str) -> str:
    """The words of a message's first line in lower case, without identifiers, numbers, quoted text and key=value pairs.

    A change of state keeps its arrow as `` > ``; a ``status=…`` pair ends the words as `` = …``.

    >>> skeleton_of("Order 1001: status 'new' -> Being processed (by bob@example.com)")
    'order status > being processed by'
    """
    text = message[:MESSAGE_CAP]
    if len(message) > MESSAGE_CAP:
        text = text[: max(text.rfind(end) for end in " ,;([{=\n")]  # no half words
    if "\n" in text:
        text = text.split("\n", 1)[0]
    if "id" in text or "Id" in text or "ID" in text or "iD" in text:
        text = _TAG.sub(" ", text)
    told = _STATE_KEY.search(text) if "=" in text or ":" in text else None
    if "{" in text:
        text = _PLACEHOLDER.sub(" ", text)
        if "{ " in text:
            text = _RECORD_FIELD.sub(" ", text)
    if "<" in text:
        text = _ANGLED.sub("= ", text)
    if '"' in text or "'" in text:
        text = _QUOTED.sub(" ", text)
    if ">" in text or "→" in text or "⇒" in text or "»" in text:
        text = _ARROW.sub(" \x00 ", text, count=1)
    task = _TASK.search(text) if "[" in text else None
    if task and text[task.end() : task.end() + 1] == ":":
        text = text[task.end() + 1 :]
    words: list[str] = []
    for token in _SPACES.split(text):
        if token and _DIGIT.search(token) is None:
            spelled = _tokens.get(token)
            if spelled is None:
                spelled = _spell(token)
            words += spelled
    if told and ">" not in words:
        words += ["=", *words_of(told[1]).split()]
    return " ".join(words)


def _spell(token: str) -> list[str]:
    """The words of one token; kept, for most messages are made of few."""
    if token == "\x00":
        words = [">"]
    elif "=" in token or "@" in token or "/" in token:
        words = []
    else:
        words = words_of(token).split()
    if len(_tokens) > TOKENS_KEPT:
        _tokens.clear()
    _tokens[token] = words
    return words


_DIGIT = re.compile("[0-9]")
_tokens: dict[str, list[str]] = {}
