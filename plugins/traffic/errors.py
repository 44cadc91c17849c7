"""What this plug-in refuses, and why."""

from app.sdk import Conflict, DomainError, Forbidden, Invalid, NotFound, RateLimited, Unavailable


class ProofMismatch(Invalid):
    """The two facts do not belong together, or the police know nothing of the kind."""

    code = "facts-mismatch"
    title_zh = "信息核验不一致"
    title_en = "The police know no vehicle or licence with these two facts"


class TooManyTries(RateLimited):
    """Somebody has tried to prove something too often within an hour."""

    code = "too-many-proofs"
    title_zh = "核验尝试过于频繁，请稍后再试"
    title_en = "Too many attempts to prove something"


class TooManyReferences(Forbidden):
    """Somebody has named too many fines within an hour that are not theirs."""

    code = "too-many-references"
    title_zh = "查询他人罚款次数过多，请稍后再试"
    title_en = "Too many fines were named that are not the caller's"


class TooManyVehicles(Conflict):
    """The citizen has linked as many vehicles as one may."""

    code = "too-many-vehicles"
    title_zh = "绑定的车辆已达上限"
    title_en = "No more vehicles can be linked"


class LicenceNotOwn(Forbidden):
    """A licence is linked by its holder only: a verified person who lets us see their number."""

    code = "licence-not-own"
    title_zh = "只能绑定本人的驾驶证，请先实名认证并同意核验身份证号"
    title_en = "Only one's own licence can be linked, after verification and with consent"


class LicenceLinked(Conflict):
    """The citizen has a licence linked, or this one is linked by another account."""

    code = "licence-linked"
    title_zh = "驾驶证已绑定"
    title_en = "The licence is linked already"


class ViolationNotFound(NotFound):
    """No vehicle and no licence of this citizen has such a violation."""

    code = "violation-not-found"
    title_zh = "没有找到该违法记录"
    title_en = "There is no such violation"


class EvidenceNotFound(NotFound):
    """The violation has not so many pictures."""

    code = "evidence-not-found"
    title_zh = "没有该证据图片"
    title_en = "There is no such picture"


class EvidenceAltered(Conflict):
    """What the police deliver is not the picture that the notice names by its SHA-256."""

    code = "evidence-altered"
    title_zh = "证据图片与告知书记载不符，请向公安机关核实"
    title_en = "The picture is not the one that the notice names; ask the police"


class FineNotFound(NotFound):
    """This citizen has nothing to pay under this reference."""

    code = "fine-not-found"
    title_zh = "没有找到该罚款"
    title_en = "There is no such fine"


class AlreadyPaid(Conflict):
    """The fine is paid, here or at the police's own counter."""

    code = "already-paid"
    title_zh = "该账单已支付"
    title_en = "The bill is already paid"


class RefusedByPolice(Invalid):
    """The police's system refuses for good; `reason` is its own code."""

    code = "refused-by-police"
    title_zh = "公安机关系统拒绝了该请求"
    title_en = "The police's system refuses this"


class PoliceUnavailable(Unavailable):
    """The police's system does not answer, or answers nothing that can be read."""

    code = "police-unavailable"
    title_zh = "公安机关系统暂时无法访问，请稍后再试"
    title_en = "The police's system does not answer"


class NotAnswerable(Conflict):
    """The notice was answered already, or the police have decided."""

    code = "notice-answered"
    title_zh = "该违法通知已处理"
    title_en = "The notice has been answered, or decided on"


class ContestNotOpen(Conflict):
    """This objection is not open: used already, too late, too early, or another one is pending."""

    code = "contest-not-open"
    title_zh = "目前不能提出该项异议"
    title_en = "This objection is not open now"


class ReliefNotOpen(Conflict):
    """Nothing is owed that could be deferred or parted, or a request is waiting."""

    code = "relief-not-open"
    title_zh = "目前不能申请延期或分期缴纳"
    title_en = "Relief cannot be asked for now"


class StudyNotProven(Invalid):
    """The police know of no such course that the holder of this licence has passed."""

    code = "study-not-proven"
    title_zh = "没有查到该驾驶证的合格学习记录"
    title_en = "The police know of no such course, passed with this licence"


class StudyNotOpen(Conflict):
    """This course takes no points away: used, of another cycle, too many, none left, or not yet."""

    code = "study-not-open"
    title_zh = "不符合学法减分条件"
    title_en = "This study cannot take points away"


class NoPenalty(NotFound):
    """There is no penalty of which a sheet could tell anything: none yet, or none any more."""

    code = "no-penalty"
    title_zh = "尚无处罚决定或处罚已撤销"
    title_en = "There is no penalty, not yet or not any more"


class NotDecidable(Conflict):
    """The objection or request is not with this officer, or is decided."""

    code = "not-decidable"
    title_zh = "该申请不在办理中"
    title_en = "This is not under review, or it is with somebody else"


class RecorderMayNotReview(Forbidden):
    """Whoever recorded the violation does not decide on an objection to it."""

    code = "recorder-may-not-review"
    title_zh = "执法记录人员不得审理该异议"
    title_en = "Whoever recorded the violation may not review it"


class OfficerUnknown(Forbidden):
    """The member of staff has no badge in this plug-in."""

    code = "officer-unknown"
    title_zh = "未登记警号，不能办理"
    title_en = "No badge is known of this member of staff"


class BadgeTaken(Conflict):
    """Another member of staff wears this badge."""

    code = "badge-taken"
    title_zh = "该警号已登记给其他人员"
    title_en = "Somebody else wears this badge"


class OtherDepartment(Forbidden):
    """Only the traffic police decide on traffic violations."""

    code = "other-department"
    title_zh = "该业务不属于您的部门"
    title_en = "This belongs to another department"


_REFUSALS: dict[str, type[DomainError]] = {
    "decision-paid": AlreadyPaid,
    "decision-not-found": FineNotFound,
}


def refusal(reason: str) -> DomainError:
    """Return what a final refusal of the police's system means to the house."""
    return _REFUSALS.get(reason, RefusedByPolice)(reason=reason)
