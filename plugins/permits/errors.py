"""What this plug-in refuses, and why."""

from app.sdk import Conflict, Forbidden, Invalid, NotFound


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


class NothingApplies(Invalid):
    """By these answers no permit of the bundle is needed."""

    code = "permit-not-needed"
    title_zh = "按所填内容无需办理任何许可"
    title_en = "By these answers no permit is needed"


class PermitApplicationNotFound(NotFound):
    """The citizen, or the department, has no such application."""

    code = "permit-application-not-found"
    title_zh = "没有找到该申请"
    title_en = "There is no such application"


class SupplementNotFound(NotFound):
    """Nothing of the kind was asked for."""

    code = "permit-supplement-not-found"
    title_zh = "没有找到该补正通知"
    title_en = "No such supplement was asked for"


class PermitTaskNotFound(NotFound):
    """The department has no such task."""

    code = "permit-task-not-found"
    title_zh = "没有找到该办理事项"
    title_en = "The department has no such task"


class ConsultationNotFound(NotFound):
    """The department was not asked this."""

    code = "permit-consultation-not-found"
    title_zh = "没有找到该征求意见"
    title_en = "The department was not asked this"


class MeetingNotFound(NotFound):
    """No joint meeting on this task is open to the department."""

    code = "permit-meeting-not-found"
    title_zh = "没有找到该联合会审"
    title_en = "No such joint meeting is open"


class TooManyDrafts(Conflict):
    """The citizen keeps as many drafts as one may."""

    code = "permit-drafts-exhausted"
    title_zh = "草稿已达上限"
    title_en = "No more drafts can be kept"


class AnswersClosed(Conflict):
    """The answers of an application can be changed as a draft, or where a supplement asks."""

    code = "permit-answers-closed"
    title_zh = "申请内容目前不能修改"
    title_en = "The answers cannot be changed now"


class PermitVersionStale(Conflict):
    """Somebody was quicker: what the caller has seen is not how it is now; `version` is."""

    code = "permit-version-stale"
    title_zh = "内容已更新，请刷新后再办理"
    title_en = "It has changed since it was read"


class TaskHeld(Conflict):
    """Another officer has the task; `until` says how long, if they do nothing."""

    code = "permit-task-held"
    title_zh = "该事项正由其他人员办理"
    title_en = "Another officer has the task"


class TaskNotHeld(Conflict):
    """The caller has not claimed the task, or their lease is over."""

    code = "permit-task-not-held"
    title_zh = "请先认领该事项"
    title_en = "The task must be claimed first"


class TaskElsewhere(Conflict):
    """The task is not in the state that this act needs; `status` says in which it is."""

    code = "permit-task-elsewhere"
    title_zh = "该事项目前不在此办理环节"
    title_en = "The task is not where this could be done"


class SeatNeeded(Forbidden):
    """The caller has no seat in their department that allows this; `seat` says which."""

    code = "permit-seat-needed"
    title_zh = "您的岗位不能办理此操作"
    title_en = "This needs another seat in the department"


class SecondOfficerNeeded(Forbidden):
    """Whoever proposed does not decide, and whoever wants an exception does not allow it."""

    code = "permit-second-officer-needed"
    title_zh = "须由另一名人员办理"
    title_en = "Another officer must do this"


class SupplementOpen(Conflict):
    """Something was asked of the citizen already, or waits for a superior."""

    code = "permit-supplement-open"
    title_zh = "已有未完结的补正通知"
    title_en = "A supplement is being asked for already"


class ProcedureNotAllowed(Invalid):
    """The template of the task knows no such special procedure."""

    code = "permit-procedure-not-allowed"
    title_zh = "该事项不适用此特别程序"
    title_en = "The task allows no such procedure"


class DepartmentNotAsked(Invalid):
    """A department of this name is not there to be asked, or it is the caller's own."""

    code = "permit-department-not-asked"
    title_zh = "不能征求该部门意见"
    title_en = "This department cannot be asked"


class ConsultationOpen(Conflict):
    """The department has been asked already and has not answered."""

    code = "permit-consultation-open"
    title_zh = "该部门的意见尚未反馈"
    title_en = "The department has been asked and has not answered"


class MeetingNeeded(Conflict):
    """An approval of this task needs a joint meeting in which all agreed."""

    code = "permit-meeting-needed"
    title_zh = "须经联合会审一致同意"
    title_en = "A joint meeting must have agreed"


class MeetingNotAllowed(Invalid):
    """The task is no one for a joint meeting."""

    code = "permit-meeting-not-allowed"
    title_zh = "该事项不适用联合会审"
    title_en = "The task has no joint meeting"


class MeetingUnderWay(Conflict):
    """A joint meeting on the task is open, or the department has spoken in it."""

    code = "permit-meeting-under-way"
    title_zh = "联合会审正在进行或已发表意见"
    title_en = "The meeting is open, or the department has spoken"


class VerdictIncomplete(Invalid):
    """A refusal gives a coded reason, conditions belong to an approval with conditions."""

    code = "permit-verdict-incomplete"
    title_zh = "决定内容不完整"
    title_en = "The verdict is not complete"


class PermitClockNotFound(NotFound):
    """No clock runs before an application is submitted."""

    code = "permit-clock-not-found"
    title_zh = "申请尚未提交，没有办理时限"
    title_en = "No clock runs before the application is submitted"


class SupplementLapsed(Conflict):
    """The time for answering a supplement is over."""

    code = "permit-supplement-lapsed"
    title_zh = "补正期限已过"
    title_en = "The time for answering is over"


class IntakeOver(Conflict):
    """Nothing was said in time: the application counts as accepted from the day of its receipt."""

    code = "permit-intake-over"
    title_zh = "逾期未告知，该申请自收到之日起视为受理"
    title_en = "The application counts as accepted, for nothing was said in time"


class CalendarNotYours(Forbidden):
    """Only the department that supervises the others sets the days of the calendar."""

    code = "permit-calendar-not-yours"
    title_zh = "只有监督部门可以调整工作日历"
    title_en = "Only the supervising department sets the calendar"


class CalendarDayOver(Conflict):
    """What has been counted stays: days that are over are not set."""

    code = "permit-calendar-day-over"
    title_zh = "不能调整已过去的日期"
    title_en = "A day that is over cannot be set"


class CalendarTooFar(Invalid):
    """The day is too far ahead to be set."""

    code = "permit-calendar-too-far"
    title_zh = "日期过远，不能调整"
    title_en = "The day is too far ahead"


class ClockAlarmNotFound(NotFound):
    """Nothing of the kind was raised for this department."""

    code = "permit-alarm-not-found"
    title_zh = "没有找到该预警"
    title_en = "There is no such alarm"


class RatingNotFound(NotFound):
    """There is no such rating, or it is not for the caller to see."""

    code = "permit-rating-not-found"
    title_zh = "没有找到该评价"
    title_en = "There is no such rating"


class AlreadyRated(Conflict):
    """The application was rated, and a rating is given once."""

    code = "permit-already-rated"
    title_zh = "该事项已评价"
    title_en = "The application was rated already"


class NotRatable(Conflict):
    """The application is not over, or it was over more than thirty days ago."""

    code = "permit-not-ratable"
    title_zh = "该事项尚未办结，或已超过评价期限"
    title_en = "The application is not over, or too long ago"


class HandlerNotFree(Conflict):
    """Whoever shall see to a rating had a hand in the case, or has no seat as a superior."""

    code = "permit-handler-not-free"
    title_zh = "不能由被评价人员或无相应岗位的人员处理该评价"
    title_en = "A rating is seen to by a superior who had no hand in the case"


class MaterialNotFound(NotFound):
    """The bundle, or the task, has no such material."""

    code = "permit-material-not-found"
    title_zh = "没有该项申请材料"
    title_en = "There is no such material"


class MaterialFileNotFound(NotFound):
    """The application has no such file, or it was erased."""

    code = "permit-file-not-found"
    title_zh = "没有找到该文件"
    title_en = "There is no such file"


class FileNotTaken(Invalid):
    """By what it holds the file is neither PDF, JPEG, PNG nor OFD, or is two things at once."""

    code = "permit-file-not-taken"
    title_zh = "文件格式不符，仅接受 PDF、JPEG、PNG、OFD"
    title_en = "The file is no PDF, JPEG, PNG or OFD"


class FileTooLarge(Invalid):
    """The file is larger than one may be."""

    code = "permit-file-too-large"
    title_zh = "文件过大"
    title_en = "The file is too large"


class MaterialQuotaExceeded(Conflict):
    """The application, or the citizen, has as many files as there may be."""

    code = "permit-quota-exceeded"
    title_zh = "材料数量或总大小已达上限"
    title_en = "No more files can be handed in"


class MaterialsClosed(Conflict):
    """The material is taken before the submission, when it is asked for, or was promised."""

    code = "permit-materials-closed"
    title_zh = "当前不能提交该材料"
    title_en = "The material cannot be handed in now"


class MaterialsMissing(Invalid):
    """Something that must be there is not; `errors` names each material."""

    code = "permit-materials-missing"
    title_zh = "申请材料不齐全"
    title_en = "Materials are missing"


class MaterialNotDeferrable(Invalid):
    """The material must be there when the application is submitted."""

    code = "permit-material-not-deferrable"
    title_zh = "该材料不可容缺"
    title_en = "The material cannot follow later"


class CertificateNotHeld(Conflict):
    """The city holds no certificate of the citizen's that could stand for this material now."""

    code = "permit-certificate-not-held"
    title_zh = "没有可替代该材料的有效电子证照"
    title_en = "No certificate stands for this material"


class FeeNotFound(NotFound):
    """There is no such fee, or it is somebody else's."""

    code = "permit-fee-not-found"
    title_zh = "没有找到该费用"
    title_en = "There is no such fee"


class FeePaid(Conflict):
    """The fee is paid."""

    code = "already-paid"
    title_zh = "该账单已支付"
    title_en = "The bill is already paid"


class FeeVoid(Conflict):
    """What the fee was for was refused or withdrawn: it is asked of nobody any more."""

    code = "permit-fee-void"
    title_zh = "该费用已无需缴纳"
    title_en = "The fee is not asked for any more"


class FeeDiffers(Conflict):
    """The money that came is not the fee."""

    code = "permit-fee-differs"
    title_zh = "缴费金额与应缴费用不符"
    title_en = "The money is not the fee"


class FeeOverdue(Conflict):
    """The time for paying the fee is over; money that was sent in time is still taken."""

    code = "permit-fee-overdue"
    title_zh = "缴费期限已过"
    title_en = "The time for paying the fee is over"
