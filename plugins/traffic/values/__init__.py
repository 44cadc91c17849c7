"""Plain values: what the use cases take and give; one file for each thing they are about."""

from plugins.traffic.values.contests import (
    ContestKind,
    ContestStatus,
    ContestView,
    Ground,
    NewContest,
    OPEN_CONTEST,
    Verdict,
)
from plugins.traffic.values.dues import DueStatus, DueView, PAYEE, PauseCause, ReturnState, SERVICE
from plugins.traffic.values.linking import (
    ENGINE_TAIL,
    FILE_NUMBER,
    LinkedLicence,
    LinkedVehicle,
    NewVehicle,
    PLATE,
)
from plugins.traffic.values.lookups import AdmittedGuest, FoundDecision, SECOND_FACT
from plugins.traffic.values.officers import BADGE, OfficerView
from plugins.traffic.values.orders import OrderKind, OrderState
from plugins.traffic.values.petitions import PetitionView
from plugins.traffic.values.police import Decision, DecisionWish, PoliceCase
from plugins.traffic.values.postings import PostingState
from plugins.traffic.values.reliefs import NewRelief, ReliefKind, ReliefStatus, ReliefView
from plugins.traffic.values.violations import (
    CURRENCY,
    CitizensViolation,
    DEPARTMENT,
    DIGEST,
    MAX_FINE,
    Outcome,
    POLICE_NUMBER,
    Speed,
    ViolationStatus,
)

__all__ = [
    "AdmittedGuest",
    "BADGE",
    "CURRENCY",
    "CitizensViolation",
    "ContestKind",
    "ContestStatus",
    "ContestView",
    "DEPARTMENT",
    "DIGEST",
    "Decision",
    "DecisionWish",
    "DueStatus",
    "DueView",
    "ENGINE_TAIL",
    "FILE_NUMBER",
    "FoundDecision",
    "Ground",
    "LinkedLicence",
    "LinkedVehicle",
    "MAX_FINE",
    "NewContest",
    "NewRelief",
    "NewVehicle",
    "OPEN_CONTEST",
    "OfficerView",
    "OrderKind",
    "OrderState",
    "Outcome",
    "PAYEE",
    "PLATE",
    "POLICE_NUMBER",
    "PauseCause",
    "PetitionView",
    "PoliceCase",
    "PostingState",
    "ReliefKind",
    "ReliefStatus",
    "ReliefView",
    "ReturnState",
    "SECOND_FACT",
    "SERVICE",
    "Speed",
    "Verdict",
    "ViolationStatus",
]
