"""Reads the files that job centres send: CSV with Chinese headings, or JSON lines.

A file is whole or refused: its last line says how many there are, so that one that was cut off is
not taken for a short one. Of a whole file each line is read by itself.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from plugins.jobs.errors import FeedFileInvalid
from plugins.jobs.values import (
    CSV_TYPE,
    DISTRICTS,
    MOST_DAYS_OPEN,
    MOST_DESCRIPTION,
    MOST_EXPERIENCE,
    MOST_LINES,
    MOST_NAME,
    MOST_PAY,
    MOST_POSITIONS,
    MOST_SHORT,
    MOST_TITLE,
    SOURCE_ID,
    Advert,
    Education,
    EmploymentType,
    FeedFileRead,
    FeedLine,
    LineRefused,
    PayUnit,
    canonical_code,
    city_today,
)

HEADER: Mapping[str, str] = {
    "岗位编号": "source_id",
    "统一社会信用代码": "credit_code",
    "单位名称": "employer_name",
    "岗位名称": "title",
    "岗位描述": "description",
    "工作区划": "district",
    "工作地点": "address",
    "用工形式": "employment_type",
    "薪资单位": "pay_unit",
    "最低薪资(元)": "pay_from",
    "最高薪资(元)": "pay_to",
    "学历要求": "education",
    "工作经验(月)": "experience_months",
    "任职要求": "qualifications",
    "技能": "skills",
    "招聘人数": "open_positions",
    "截止日期": "valid_through",
}
"""The columns of a CSV file in their order, and the members of JSON lines (pay there in fen)."""
TOTALS, TOTAL = "合计", "total"
_NEEDED = {
    *("source_id", "credit_code", "employer_name", "title", "description", "district"),
    *("employment_type", "pay_unit", "pay_from", "pay_to", "valid_through"),
}
_KINDS = {
    "全职": "full_time",
    "兼职": "part_time",
    "临时": "temporary",
    "实习": "intern",
    "其他": "other",
}
_UNITS = {"月": "month", "小时": "hour"}
_SCHOOLS = {
    "不限": "none",
    "初中": "junior_secondary",
    "高中": "senior_secondary",
    "大专": "associate",
    "本科": "bachelor",
    "硕士": "master",
    "博士": "doctor",
}
_YUAN = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_DAY = re.compile(r"([0-9]{4})[-/]?([0-9]{2})[-/]?([0-9]{2})")
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


class LineWrong(ValueError):
    """What is wrong with one line."""


def read_feed_file(raw: bytes, media_type: str) -> FeedFileRead:
    """Return the lines of a file in UTF-8 (with or without a mark) or GB18030.

    Raise `FeedFileInvalid` for a file that is not whole.
    """
    text = _decode(raw)
    rows = _csv_rows(text) if media_type == CSV_TYPE else _json_rows(text)
    lines: list[FeedLine] = []
    refused: list[LineRefused] = []
    first_lines: dict[str, int] = {}
    for number, values in rows:
        source_id = values.get("source_id", "") if isinstance(values, Mapping) else ""
        named = source_id if isinstance(source_id, str) and _is_id(source_id) else ""
        try:
            line = _line(number, values)
        except LineWrong as wrong:
            refused.append(LineRefused(number, named, "line-invalid", str(wrong)))
            continue
        first = first_lines.setdefault(line.source_id, number)
        if first != number:
            said = f"岗位编号与第 {first} 行重复 (stands on line {first} already)"
            refused.append(LineRefused(number, line.source_id, "twice-in-file", said))
            continue
        lines.append(line)
    return FeedFileRead(lines, refused)


def _decode(raw: bytes) -> str:
    for codec in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    raise FeedFileInvalid("Neither UTF-8 nor GB18030.")


def _csv_rows(text: str) -> list[tuple[int, Mapping[str, Any] | str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise FeedFileInvalid(f"Line {reader.line_num}: {error}.") from error
    heading = [cell.replace("（", "(").replace("）", ")") for cell in rows[0][1]] if rows else []
    if heading != list(HEADER):
        raise FeedFileInvalid("The first line is not the header: " + ",".join(HEADER))
    last = rows[-1][1]
    if len(rows) == 1 or last[0] != TOTALS or len(last) < 2 or not _WHOLE.fullmatch(last[1]):  # noqa: PLR2004
        raise FeedFileInvalid(f"The last line is not {TOTALS} and a count.")
    body = rows[1:-1]
    _check_count(len(body), int(last[1]))
    return [(number, _named(row)) for number, row in body]


def _named(row: Sequence[str]) -> Mapping[str, Any] | str:
    if len(row) != len(HEADER):
        return f"应有 {len(HEADER)} 列 ({len(row)} columns)"
    named: dict[str, Any] = {n: v for n, v in zip(HEADER.values(), row, strict=True) if v}
    for name, words in (("employment_type", _KINDS), ("pay_unit", _UNITS), ("education", _SCHOOLS)):
        if name in named:
            named[name] = words.get(named[name], named[name])
    for name, read in (("pay_from", _fen), ("pay_to", _fen), ("experience_months", _whole),
                       ("open_positions", _whole)):  # fmt: skip
        if name in named:
            named[name] = read(named[name])
    return named


def _json_rows(text: str) -> list[tuple[int, Mapping[str, Any] | str]]:
    rows = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    read = [(number, _object(line)) for number, line in rows]
    last = read[-1][1] if read else None
    if not isinstance(last, dict) or set(last) != {TOTAL} or type(last[TOTAL]) is not int:
        raise FeedFileInvalid(f'The last line is not {{"{TOTAL}": a count}}.')
    _check_count(len(read) - 1, last[TOTAL])
    return list(read[:-1])


def _object(line: str) -> Mapping[str, Any] | str:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "不是 JSON (no JSON)"
    return found if isinstance(found, dict) else "不是 JSON 对象 (no JSON object)"


def _check_count(counted: int, told: int) -> None:
    if counted != told:
        raise FeedFileInvalid(f"There are {counted} lines, and the last one says {told}.")
    if counted > MOST_LINES:
        raise FeedFileInvalid(f"There are more than {MOST_LINES} lines.")


def _line(number: int, values: Mapping[str, Any] | str) -> FeedLine:
    """Return what a line says, or raise `LineWrong` with the first thing wrong with it."""
    if isinstance(values, str):
        raise LineWrong(values)
    unknown = sorted(values.keys() - set(HEADER.values()))
    if unknown:
        name = unknown[0] if unknown[0].isascii() and unknown[0].isprintable() else "?"
        raise LineWrong(f"{name[:40]}: 未知字段 (unknown)")
    missing = sorted(_NEEDED - values.keys())
    if missing:
        raise LineWrong(f"{missing[0]}: 缺失 (missing)")
    source_id = _text(values, "source_id", 64)
    if not _is_id(source_id):
        raise LineWrong("source_id: 岗位编号无效 (not an id)")
    code = canonical_code(_text(values, "credit_code", 24))
    if code is None:
        raise LineWrong("credit_code: 统一社会信用代码无效 (not a credit code)")
    name = _text(values, "employer_name", MOST_NAME)
    return FeedLine(number, source_id, code, name, _advert(values))


def _advert(values: Mapping[str, Any]) -> Advert:
    pay_from, pay_to = (_number(values, name, 1, MOST_PAY) for name in ("pay_from", "pay_to"))
    if pay_from > pay_to:
        raise LineWrong("pay_to: 最高薪资低于最低薪资 (less than pay_from)")
    return Advert(
        title=_text(values, "title", MOST_TITLE),
        description=_text(values, "description", MOST_DESCRIPTION),
        employment_type=_one_of(values, "employment_type", EmploymentType),
        district=_one_of(values, "district", DISTRICTS),
        pay_from=pay_from,
        pay_to=pay_to,
        pay_unit=_one_of(values, "pay_unit", PayUnit),
        valid_through=_day(values),
        address=_maybe(values, "address"),
        education=_one_of({"education": "none", **values}, "education", Education),
        experience_months=_number(values, "experience_months", 0, MOST_EXPERIENCE, 0),
        qualifications=_maybe(values, "qualifications"),
        skills=_maybe(values, "skills"),
        open_positions=_number(values, "open_positions", 1, MOST_POSITIONS, 1),
    )


def _text(values: Mapping[str, Any], name: str, most: int) -> str:
    value = values[name]
    if not isinstance(value, str):
        raise LineWrong(f"{name}: 应为文本 (not a text)")
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").strip())
    if not 1 <= len(text) <= most:
        raise LineWrong(f"{name}: 长度应为 1 至 {most} (1 to {most} characters)")
    if _UNSAFE.search(text):
        raise LineWrong(f"{name}: 含不允许的字符 (a character that is not allowed)")
    return text


def _maybe(values: Mapping[str, Any], name: str) -> str | None:
    return None if values.get(name) is None else _text(values, name, MOST_SHORT)


def _number(
    values: Mapping[str, Any], name: str, least: int, most: int, otherwise: int | None = None
) -> int:
    value = values.get(name, otherwise)
    if type(value) is not int or not least <= value <= most:
        raise LineWrong(f"{name}: 应为 {least} 至 {most} 的整数 (a whole number in that range)")
    return value


def _one_of(values: Mapping[str, Any], name: str, allowed: Any) -> str:  # noqa: ANN401 - names
    value = values[name]
    if not isinstance(value, str) or value not in [str(one) for one in allowed]:
        raise LineWrong(f"{name}: 取值无效 (not one of the allowed values)")
    return value


def _day(values: Mapping[str, Any]) -> date:
    value = values["valid_through"]
    match = _DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        day = date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        day = None
    today = city_today()
    if day is None or not today <= day <= today + timedelta(days=MOST_DAYS_OPEN):
        raise LineWrong(f"valid_through: 截止日期应在 {MOST_DAYS_OPEN} 天内 (not a day in range)")
    return day


def _fen(text: str) -> int | str:
    """Return yuan as fen, or the text itself for the check that follows."""
    match = _YUAN.fullmatch(text)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else text


def _whole(text: str) -> int | str:
    return int(text) if _WHOLE.fullmatch(text) and text.isascii() else text


def _is_id(text: str) -> bool:
    return re.fullmatch(SOURCE_ID, text) is not None
