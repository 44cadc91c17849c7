"""Plain values: what the use cases take and give; one file for each thing they are about."""

from plugins.traffic.values.contests import (
    OPEN_CONTEST,
    ContestKind,
    ContestStatus,
    ContestView,
    Ground,
    NewContest,
    Verdict,
)
from plugins.traffic.values.dues import PAYEE, SERVICE, DueStatus, DueView, PauseCause, ReturnState
from plugins.traffic.values.evidence import PNG, EvidenceView
from plugins.traffic.values.linking import (
    ENGINE_TAIL,
    FILE_NUMBER,
    PLATE,
    LinkedLicence,
    LinkedVehicle,
    NewVehicle,
)
from plugins.traffic.values.lookups import SECOND_FACT, AdmittedGuest, FoundDecision
from plugins.traffic.values.officers import BADGE, OfficerView
from plugins.traffic.values.orders import OrderKind, OrderState
from plugins.traffic.values.petitions import PetitionView
from plugins.traffic.values.police import Decision, DecisionWish, PoliceCase
from plugins.traffic.values.postings import PostingState
from plugins.traffic.values.reliefs import NewRelief, ReliefKind, ReliefStatus, ReliefView
from plugins.traffic.values.studies import (
    STUDY_NUMBER,
    PointsView,
    PoliceStudy,
    StudyKind,
    StudyStatus,
    StudyView,
)
from plugins.traffic.values.violations import (
    CURRENCY,
    DEPARTMENT,
    DIGEST,
    MAX_FINE,
    POLICE_NUMBER,
    CitizensViolation,
    Outcome,
    Speed,
    ViolationStatus,
)

__all__ = [
    "BADGE",
    "CURRENCY",
    "DEPARTMENT",
    "DIGEST",
    "ENGINE_TAIL",
    "FILE_NUMBER",
    "MAX_FINE",
    "OPEN_CONTEST",
    "PAYEE",
    "PLATE",
    "PNG",
    "POLICE_NUMBER",
    "SECOND_FACT",
    "SERVICE",
    "STUDY_NUMBER",
    "AdmittedGuest",
    "CitizensViolation",
    "ContestKind",
    "ContestStatus",
    "ContestView",
    "Decision",
    "DecisionWish",
    "DueStatus",
    "DueView",
    "EvidenceView",
    "FoundDecision",
    "Ground",
    "LinkedLicence",
    "LinkedVehicle",
    "NewContest",
    "NewRelief",
    "NewVehicle",
    "OfficerView",
    "OrderKind",
    "OrderState",
    "Outcome",
    "PauseCause",
    "PetitionView",
    "PointsView",
    "PoliceCase",
    "PoliceStudy",
    "PostingState",
    "ReliefKind",
    "ReliefStatus",
    "ReliefView",
    "ReturnState",
    "Speed",
    "StudyKind",
    "StudyStatus",
    "StudyView",
    "Verdict",
    "ViolationStatus",
]
