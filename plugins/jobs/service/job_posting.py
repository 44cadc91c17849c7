"""A vacancy as schema.org's JobPosting (JSON-LD), as search engines and job centres read it."""

import html
import json
from datetime import datetime, time
from typing import Any

from app.sdk import CITY_TIME
from plugins.jobs.values import DISTRICTS, Advert, Education, PayUnit, VacancyView

_SCHOOLS = {
    Education.SENIOR_SECONDARY: "high school",
    Education.ASSOCIATE: "associate degree",
    Education.BACHELOR: "bachelor degree",
    Education.MASTER: "postgraduate degree",
    Education.DOCTOR: "postgraduate degree",
}
_KINDS = {
    "full_time": "FULL_TIME",
    "part_time": "PART_TIME",
    "temporary": "TEMPORARY",
    "intern": "INTERN",
    "other": "OTHER",
}
_UNITS = {PayUnit.MONTH: "MONTH", PayUnit.HOUR: "HOUR"}


def write_job_posting(view: VacancyView, credit_code: str) -> bytes:
    """Return a published vacancy as a JSON-LD document that is safe within a page, too.

    The description is HTML there, so what looks like a tag in ours is none in it.
    """
    text = json.dumps(_posting(view, credit_code), ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").encode()


def _posting(view: VacancyView, credit_code: str) -> dict[str, Any]:
    advert = view.advert
    assert view.published_at is not None
    last = datetime.combine(advert.valid_through, time(23, 59, 59), CITY_TIME)
    posting: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "title": advert.title,
        "description": html.escape(advert.description, quote=False).replace("\n", "<br>"),
        "datePosted": view.published_at.astimezone(CITY_TIME).date().isoformat(),
        "validThrough": last.isoformat(),
        "employmentType": _KINDS[advert.employment_type],
        "hiringOrganization": {
            "@type": "Organization",
            "name": view.employer_name,
            "identifier": credit_code,
        },
        "jobLocation": {"@type": "Place", "address": _address(advert)},
        "baseSalary": {
            "@type": "MonetaryAmount",
            "currency": "CNY",
            "value": {
                "@type": "QuantitativeValue",
                "minValue": advert.pay_from / 100,
                "maxValue": advert.pay_to / 100,
                "unitText": _UNITS[PayUnit(advert.pay_unit)],
            },
        },
        "identifier": {
            "@type": "PropertyValue",
            "name": view.employer_name,
            "value": str(view.id),
        },
        "directApply": advert.direct_apply,
        "totalJobOpenings": advert.open_positions,
    }
    school = _SCHOOLS.get(Education(advert.education))
    if school is not None:
        kind = "EducationalOccupationalCredential"
        posting["educationRequirements"] = {"@type": kind, "credentialCategory": school}
    if advert.experience_months:
        kind = "OccupationalExperienceRequirements"
        months = advert.experience_months
        posting["experienceRequirements"] = {"@type": kind, "monthsOfExperience": months}
    for name in ("qualifications", "skills"):
        if getattr(advert, name):
            posting[name] = getattr(advert, name)
    return posting


def _address(advert: Advert) -> dict[str, str]:
    address = {
        "@type": "PostalAddress",
        "addressLocality": DISTRICTS[advert.district]["zh"],
        "addressRegion": "湖北省",
        "addressCountry": "CN",
    }
    return address | ({"streetAddress": advert.address} if advert.address else {})
