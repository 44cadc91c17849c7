"""Kinds of violations that can be made without writing everything down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offence:
    """A kind of violation: its code, its words, the law it breaks, its points and usual fine."""

    code: str
    title_zh: str
    title_en: str
    legal_basis: str
    points: int
    usual_fine: int


OFFENCES = {
    offence.code: offence
    for offence in (
        Offence(
            code="1625",
            title_zh="驾驶机动车违反道路交通信号灯通行",
            title_en="Driving against a traffic light",
            legal_basis="《中华人民共和国道路交通安全法》第九十条",
            points=6,
            usual_fine=20_000,
        ),
        Offence(
            code="1039",
            title_zh="机动车违反规定停放，妨碍其他车辆、行人通行",
            title_en="Parking against the rules and in the way of others",
            legal_basis="《中华人民共和国道路交通安全法》第九十三条",
            points=0,
            usual_fine=10_000,
        ),
    )
}
