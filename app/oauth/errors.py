"""What the room refuses."""

from app.core.errors import Conflict


class IntegratorExists(Conflict):
    """Another integrator has this name."""

    code = "integrator-exists"
    title_zh = "该名称的接入方已存在"
    title_en = "There is an integrator of this name"
