"""A form as it was typed, and what of it cannot be taken: told at its field, with all kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from relight.errors import AlreadyKnown, BadInput, NotKnown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relight.web.forms import Form

Value = TypeVar("Value")

#: What the store does not take of a change; each becomes a sentence of the form.
REFUSALS: Final = (AlreadyKnown, BadInput, NotKnown)
Refusal: TypeAlias = AlreadyKnown | BadInput | NotKnown
UNPROCESSABLE: Final = 422
#: Where a sentence stands that belongs to no field: above the form.
WHOLE: Final = ""
#: Reasons that are told of a value, and what they need to become a sentence.
_OF_A_VALUE: Final = ("is ", "has ")


@dataclass(slots=True)
class Typed:
    """What stands in a form's fields, and the sentences for what cannot be taken."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, form: Form, names: Iterable[str]) -> Typed:
        """Return what was typed into the fields of these names."""
        return cls({name: form.text(name) for name in names})

    def value(self, name: str) -> str:
        """Return what stands in a field."""
        return self.values.get(name, "")

    def error(self, name: str = WHOLE) -> str:
        """Return the sentence for a field, or for the whole form; empty where there is none."""
        return self.errors.get(name, "")

    def is_on(self, name: str) -> bool:
        """Tell whether a box is ticked."""
        return bool(self.value(name))

    @property
    def status(self) -> int:
        """Return the status that the form is shown with."""
        return UNPROCESSABLE if self.errors else 200

    def take(self, name: str, read: Callable[[str], Value], otherwise: Value) -> Value:
        """Return a field's value as *read* has it; where it cannot be taken, say so."""
        try:
            return read(self.value(name))
        except BadInput as error:
            self.errors[name] = sentence(error)
            return otherwise

    def refuse(self, error: Refusal, name: str = WHOLE) -> None:
        """Say what the store did not take: at *name*, unless the error names a field itself."""
        if isinstance(error, BadInput) and error.place in self.values:
            name = error.place
        self.errors[name] = sentence(error)


def sentence(error: Refusal) -> str:
    """Return an error as a sentence for a person."""
    reason = error.reason if isinstance(error, BadInput) else str(error)
    if reason.startswith(_OF_A_VALUE):
        reason = f"this {reason}"
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith(('.', ')')) else '.'}"
