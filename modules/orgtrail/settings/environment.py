"""An environment: settings in their shape that keep the rules between them."""

from __future__ import annotations

from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from orgtrail.settings import rules
from orgtrail.settings.shape import Shape


class Environment(Shape):
    """One AWS Organization and its audit trail: valid, complete and never changed.

    Raises:
        pydantic.ValidationError: a value breaks a rule; all broken rules are in it.

    """

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Environment:
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("rule", "{rule}", {"rule": fault.rule}),
                loc=fault.setting,
                input=fault.given,
            )
            for fault in rules.broken(self, set(type(self).model_fields))
        ]
        if faults:
            raise ValidationError.from_exception_data("Environment", faults)
        return self
