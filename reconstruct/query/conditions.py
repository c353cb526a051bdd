"""One test per type of field: from a value as written to SQL over the field's column, and its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Generic, NamedTuple, TypeVar

from reconstruct.query.fields import Field, Words
from reconstruct.query.syntax import Range, Single, Value
from reconstruct.query.values import (
    Clock,
    Moment,
    Money,
    read_duration,
    read_flag,
    read_moment,
    read_money,
    read_number,
    read_status,
)

T = TypeVar("T")


class Sql(NamedTuple):
    """A condition and what its question marks stand for."""

    text: str
    parameters: tuple[object, ...] = ()


class Test:
    """Reads the values of one field."""

    ranges = False
    """whether it takes ``low..high``"""

    def __init__(self, field: Field, words: Words, clock: Clock) -> None:
        self.field = field
        self.words = words
        self.clock = clock

    def sql(self, value: Value, operator: str) -> Sql:
        """The condition. Raises ValueError with a hint when the value is none of the field's."""
        if isinstance(value, Range):
            if not self.ranges:
                raise ValueError(f"{self.field.name} has no from … to: give a list, as in {self.field.name}:one,other")
            return self.between(value)
        return self.compare(value, operator)

    def compare(self, value: Single, operator: str) -> Sql:
        raise NotImplementedError

    def between(self, value: Range) -> Sql:
        return _all(
            [self.compare(end, sign) for end, sign in ((value.low, ">="), (value.high, "<=")) if end is not None]
        )


def _all(tests: Sequence[Sql]) -> Sql:
    """Tests that must all hold."""
    text = " AND ".join(each.text for each in tests)
    return Sql(f"({text})", tuple(one for each in tests for one in each.parameters))


class _Words(Test):
    """Texts. Case does not matter."""

    anywhere = False
    """``:`` finds the word inside the value; otherwise, and always with ``=``, it is the whole"""

    def compare(self, value: Single, operator: str) -> Sql:
        column = self.field.column
        anywhere = self.anywhere and operator == ":"
        if "*" in value.text and not value.quoted:
            pattern = ".*".join(map(re.escape, value.text.split("*")))
            return Sql(f"regexp_matches({column}, ?)", ("(?is)" + (pattern if anywhere else f"^(?:{pattern})$"),))
        if anywhere:
            return Sql(f"contains(lower({column}), lower(?))", (value.text,))
        return Sql(f"lower({column}) = lower(?)", (value.text,))


class _Part(_Words):
    anywhere = True


class _Choice(Test):
    """One of a few words."""

    @property
    def ranges(self) -> bool:  # type: ignore[override]
        return self.field.ordered

    def compare(self, value: Single, operator: str) -> Sql:
        found = self._find(value)
        if operator in (":", "="):
            return self._one_of(found)
        place = self.field.values.index(found[0])
        after = place + (operator in (">", "<="))
        return self._one_of(list(self.field.values[after:] if ">" in operator else self.field.values[:after]))

    def between(self, value: Range) -> Sql:
        values = self.field.values
        low = values.index(self._find(value.low)[0]) if value.low else 0
        high = values.index(self._find(value.high)[-1]) if value.high else len(values) - 1
        return self._one_of(list(values[low : high + 1]))

    def _one_of(self, values: list[str]) -> Sql:
        if not values:
            return Sql("false")
        return Sql(f"{self.field.column} IN ({', '.join('?' * len(values))})", tuple(values))

    def _find(self, value: Single) -> list[str]:
        """The values a word means, in order; blanks, dashes and underscores are one."""
        said = {**{_plain(word): meant for word, meant in self.field.synonyms.items()}}
        said |= {_plain(each): each for each in self.field.values}
        wanted = _plain(value.text)
        if "*" in value.text and not value.quoted:
            found = [each for each in self.field.values if fnmatchcase(_plain(each), wanted.replace("[", "[[]"))]
        else:
            found = [said[wanted]] if wanted in said else []
        if not found:
            near = get_close_matches(wanted, list(said), 1)
            known = ", ".join(self.field.values)
            raise ValueError(f"did you mean {said[near[0]]}? (one of {known})" if near else f"one of {known}")
        return found


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


class _Flag(Test):
    def compare(self, value: Single, operator: str) -> Sql:
        return Sql(f"{self.field.column} = ?", (_expect(read_flag, value),))


class _Span(Test, Generic[T]):
    """Values that are a stretch of what the column holds: ``5xx``, a day, or a single number."""

    ranges = True

    def read(self, value: Single) -> tuple[T, T]:
        """First and last of it, both included."""
        raise NotImplementedError

    def compare(self, value: Single, operator: str) -> Sql:
        low, high = self.read(value)
        if operator in ("<", ">="):
            return Sql(f"{self.field.column} {operator} ?", (low,))
        if operator in ("<=", ">"):
            return Sql(f"{self.field.column} {operator} ?", (high,))
        return Sql(f"{self.field.column} BETWEEN ? AND ?", (low, high))


class _Number(_Span[float]):
    def read(self, value: Single) -> tuple[float, float]:
        number = _expect(read_number, value)
        return number, number


class _Duration(_Span[float]):
    def read(self, value: Single) -> tuple[float, float]:
        ms = _expect(read_duration, value)
        return ms, ms


class _Status(_Span[float]):
    def read(self, value: Single) -> tuple[float, float]:
        return _expect(read_status, value)


class _Moment(Test):
    """A day is all of it: ``>`` is after its end, ``<=`` up to its end."""

    ranges = True

    def compare(self, value: Single, operator: str) -> Sql:
        moment = _expect(self._read, value)
        if operator in (":", "="):
            if moment.is_relative:
                raise ValueError(
                    f"{self.field.name}>={value.text} or {self.field.name}<={value.text}: it is an instant"
                )
            return Sql(f"({self.field.column} >= ? AND {self.field.column} < ?)", (moment.start, moment.end))
        bound = moment.start if operator in ("<", ">=") else moment.end
        return Sql(f"{self.field.column} {'<' if '<' in operator else '>='} ?", (bound,))

    def _read(self, text: str) -> Moment:
        return read_moment(text, self.clock)


AMOUNT_TYPE = "DECIMAL(38, 9)"
"""Holds any amount people deal in exactly; what a log may hold beyond that is no amount."""


class _Amount(Test):
    ranges = True

    def compare(self, value: Single, operator: str) -> Sql:
        return self._test(self._read(value), "=" if operator == ":" else operator)

    def between(self, value: Range) -> Sql:
        low, high = (self._read(each) if each else None for each in (value.low, value.high))
        codes = {each.currency for each in (low, high) if each and each.currency}
        if len(codes) > 1:
            raise ValueError("one currency: amounts in different ones cannot be compared")
        tests = [self._test(low, ">=")] if low else []
        tests += [self._test(high, "<=")] if high else []
        return _all(tests)

    def _read(self, value: Single) -> Money:
        return _expect(lambda text: read_money(text, self.words.currencies), value)

    def _test(self, money: Money, operator: str) -> Sql:
        test = f"TRY_CAST({self.field.column} AS {AMOUNT_TYPE}) {operator} CAST(? AS {AMOUNT_TYPE})"
        if money.currency is None:
            return Sql(test, (str(money.amount),))
        return Sql(f"({test} AND upper(currency) = ?)", (str(money.amount), money.currency))


def _expect(read: Callable[[str], T], value: Single) -> T:
    try:
        return read(value.text)
    except ValueError as error:
        raise ValueError(f"expected {error}") from None


TESTS: dict[str, type[Test]] = {
    "text": _Part, "word": _Words, "choice": _Choice, "flag": _Flag, "number": _Number, "status": _Status,
    "duration": _Duration, "moment": _Moment, "amount": _Amount,
}  # fmt: skip
"""fields.TYPES → what reads their values."""
