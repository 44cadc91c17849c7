"""Operations as JSON."""

from app.http import fields
from app.http.fields import Schema, Title


class OperationRefusalSchema(Schema):
    """A way in which the provider may refuse."""

    code = fields.Text(required=True)
    status = fields.Integer(required=True)
    title = fields.Nested(Title, required=True)


class OperationExampleSchema(Schema):
    """A call that its provider answers: below the gateway of its service."""

    path = fields.Text(required=True, metadata={"examples": ["/car-parks/north"]})
    query = fields.Dict(required=True, allow_none=True)
    body = fields.Dict(required=True, allow_none=True)


class OperationSchema(Schema):
    """An operation as the provider's manifest declares it; the forms are JSON Schema 2020-12."""

    id = fields.Text(required=True)
    title = fields.Nested(Title, required=True)
    method = fields.Text(required=True, metadata={"examples": ["GET"]})
    path = fields.Text(required=True, metadata={"examples": ["/car-parks/{car_park}"]})
    assurance = fields.Text(required=True)
    idempotent = fields.Flag(required=True)
    query = fields.Dict(required=True, allow_none=True, attribute="query.schema", dump_default=None)
    body = fields.Dict(required=True, allow_none=True, attribute="body.schema", dump_default=None)
    answer = fields.Dict(required=True, attribute="answer.schema")
    example = fields.Nested(OperationExampleSchema, required=True)
    refusals = fields.List(fields.Nested(OperationRefusalSchema), required=True)


class OperationListSchema(Schema):
    """What a service lets citizens do through the house."""

    items = fields.List(fields.Nested(OperationSchema), required=True)


class OperationDoneSchema(Schema):
    """What the provider answered: `result` is of the form that the operation declares."""

    operation = fields.Text(required=True, metadata={"examples": ["find-car-parks"]})
    result = fields.Dict(required=True)


class AnyQuerySchema(Schema):
    """No argument that every operation has: each declares its own."""
