"""What this plug-in refuses, and why."""

from app.sdk import Invalid, NotFound


class BundleNotFound(NotFound):
    """There is no bundle of this id, or not in this version."""

    code = "bundle-not-found"
    title_zh = "没有找到该办理事项"
    title_en = "There is no such bundle"


class AnswersInvalid(Invalid):
    """Answers do not fit the form of their bundle; `errors` names each field."""

    code = "answers-invalid"
    title_zh = "表单填写有误"
    title_en = "The form is not filled in correctly"
