"""What this plug-in refuses, and why."""

from app.sdk import Conflict, Forbidden, Invalid, NotFound


class OtherDepartmentsJobs(Forbidden):
    """Only the department of human resources decides on employers and vacancies."""

    code = "other-departments-jobs"
    title_zh = "招聘业务不属于您的部门"
    title_en = "Jobs belong to another department"


class CreditCodeInvalid(Invalid):
    """The text is no unified social credit code: its check character differs, say."""

    code = "credit-code-invalid"
    title_zh = "统一社会信用代码无效"
    title_en = "This is no unified social credit code"


class EmployerKnown(Conflict):
    """Somebody acts for the employer with this credit code already; they can invite others."""

    code = "employer-known"
    title_zh = "该用人单位已登记，请由其经办人邀请"
    title_en = "The employer is registered; ask whoever acts for it to invite you"


class EmployerNotFound(NotFound):
    """There is no such employer, or the caller does not act for it."""

    code = "employer-not-found"
    title_zh = "没有找到该用人单位"
    title_en = "There is no such employer"


class EmployerNotVerified(Conflict):
    """The employer is not verified, or is suspended: it can advertise nothing."""

    code = "employer-not-verified"
    title_zh = "用人单位未通过核验，不能发布岗位"
    title_en = "The employer is not verified and cannot advertise"


class MemberNotFound(NotFound):
    """Nobody with this id acts for the employer, or asks to."""

    code = "employer-member-not-found"
    title_zh = "没有找到该经办人"
    title_en = "There is no such member of the employer"


class EmployerInvitationInvalid(Invalid):
    """The code is none, was used, or has expired."""

    code = "employer-invitation-invalid"
    title_zh = "邀请码无效或已过期"
    title_en = "The invitation is not valid any more"


class TooManyInvitations(Conflict):
    """The employer has as many open invitations as one may."""

    code = "too-many-employer-invitations"
    title_zh = "未使用的邀请码过多"
    title_en = "Too many invitations are open"


class VacancyNotFound(NotFound):
    """There is no such vacancy, or it is not to be seen by the caller."""

    code = "vacancy-not-found"
    title_zh = "没有找到该岗位"
    title_en = "There is no such vacancy"


class VacancyKnown(Conflict):
    """The employer advertises the same work already: title, district, kind and pay are the same."""

    code = "vacancy-known"
    title_zh = "相同岗位已在招聘中"
    title_en = "The same vacancy is open already"


class VacancyClosed(Conflict):
    """The vacancy is closed for good."""

    code = "vacancy-closed"
    title_zh = "该岗位已关闭"
    title_en = "The vacancy is closed"


class PositionsTaken(Conflict):
    """More people were hired than the wording has positions; `hired` says how many."""

    code = "positions-taken"
    title_zh = "已录用人数超过招聘人数"
    title_en = "More were hired than the vacancy would have positions"


class RevisionNotFound(NotFound):
    """There is no such wording of a vacancy."""

    code = "revision-not-found"
    title_zh = "没有找到该岗位版本"
    title_en = "There is no such revision of a vacancy"


class AdvertRefused(Invalid):
    """The advert breaks a rule; `findings` name each passage, the rule and its source."""

    code = "advert-refused"
    title_zh = "招聘信息不符合规定"
    title_en = "The advert breaks a rule"


class FeedNotFound(NotFound):
    """There is no such feed, or the client does not send it."""

    code = "feed-not-found"
    title_zh = "没有找到该数据源"
    title_en = "There is no such feed"


class FeedFileInvalid(Invalid):
    """The file is not whole: its form, its header or its count is wrong; nothing was taken."""

    code = "feed-file-invalid"
    title_zh = "岗位文件不完整或格式有误，未导入任何内容"
    title_en = "The file of vacancies is not whole; nothing was taken"


class FeedShrank(Conflict):
    """A full file would close more than half of what its feed has open: say that it may."""

    code = "feed-shrank"
    title_zh = "文件将关闭过半在招岗位，请确认后重试"
    title_en = "The file would close more than half of the feed; confirm it"


class FeedOvertaken(Conflict):
    """An employer of the file is being registered at this moment: send the file again."""

    code = "feed-overtaken"
    title_zh = "数据正在变更，请重新发送文件"
    title_en = "Something has changed meanwhile; send the file again"


class AdvertTerm(Invalid):
    """The last day of the advert is past, or too far away."""

    code = "advert-term"
    title_zh = "招聘截止日无效"
    title_en = "The last day of the advert is not allowed"


class CvNotFound(NotFound):
    """This citizen has no curriculum yet."""

    code = "cv-not-found"
    title_zh = "还没有填写简历"
    title_en = "There is no curriculum yet"


class ShareNotFound(NotFound):
    """No such consent stands, or it is not for the caller."""

    code = "cv-share-not-found"
    title_zh = "简历授权不存在或已失效"
    title_en = "No such consent to show a curriculum stands"


class AlreadyShared(Conflict):
    """An earlier consent of the same kind stands: withdraw it first."""

    code = "cv-already-shared"
    title_zh = "已有有效的简历授权"
    title_en = "An earlier consent to show the curriculum stands"


class ApplicationNotFound(NotFound):
    """There is no such application of this citizen, or at this employer."""

    code = "job-application-not-found"
    title_zh = "没有找到该应聘"
    title_en = "There is no such application"


class AlreadyApplied(Conflict):
    """An earlier application of the same citizen for the same vacancy is living."""

    code = "already-applied"
    title_zh = "您已应聘该职位"
    title_en = "You have applied for this vacancy already"


class TooManyApplications(Conflict):
    """The citizen has as many living applications as one may."""

    code = "too-many-job-applications"
    title_zh = "进行中的应聘过多"
    title_en = "Too many applications are living"


class VacancyNotOpen(Conflict):
    """The vacancy takes no applications, or nobody can be hired for it any more."""

    code = "vacancy-not-open"
    title_zh = "该职位已不再招聘"
    title_en = "The vacancy is not open"


class AppliesElsewhere(Conflict):
    """The vacancy takes applications at its own source only."""

    code = "applies-elsewhere"
    title_zh = "该职位须在原发布渠道应聘"
    title_en = "Apply for this vacancy where it was advertised"


class NoPositionLeft(Conflict):
    """Every position of the vacancy is filled."""

    code = "no-position-left"
    title_zh = "该职位已招满"
    title_en = "Every position is filled"


class HireFinal(Conflict):
    """The time is over in which a hire can be undone; `until` says when it ended."""

    code = "hire-final"
    title_zh = "录用已超过可撤销期限"
    title_en = "The hire can be undone no more"


class InterviewNotFound(NotFound):
    """This citizen has no such invitation."""

    code = "interview-not-found"
    title_zh = "没有找到该面试邀请"
    title_en = "There is no such invitation"


class InterviewInThePast(Conflict):
    """The interview would be, or has been, before now."""

    code = "interview-in-the-past"
    title_zh = "面试时间已过"
    title_en = "The time of the interview has passed"


class InterviewStands(Conflict):
    """An earlier invitation of the same application stands."""

    code = "interview-stands"
    title_zh = "已有待进行的面试邀请"
    title_en = "An earlier invitation stands"


class FairNotFound(NotFound):
    """There is no such fair, or it is not published."""

    code = "fair-not-found"
    title_zh = "没有找到该招聘会"
    title_en = "There is no such job fair"


class FairNotOpen(Conflict):
    """The fair is not open for this: it is over, cancelled, or not published."""

    code = "fair-not-open"
    title_zh = "该招聘会当前不可预约"
    title_en = "The job fair is not open for this"


class FairTimesInvalid(Invalid):
    """The times are past, out of order, or outside the fair."""

    code = "fair-times-invalid"
    title_zh = "招聘会时间不正确"
    title_en = "The times of the job fair are not valid"


class BoothTaken(Conflict):
    """The booth is another employer's, or none is free."""

    code = "booth-taken"
    title_zh = "展位已被预订"
    title_en = "The booth is taken"


class BoothAlreadyBooked(Conflict):
    """The employer has a booth at this fair."""

    code = "booth-already-booked"
    title_zh = "本单位在该招聘会已有展位"
    title_en = "The employer has a booth at this fair already"


class BoothNotFound(NotFound):
    """The employer has no such booth."""

    code = "booth-not-found"
    title_zh = "没有找到该展位"
    title_en = "There is no such booth"


class FairSlotNotFound(NotFound):
    """There is no such time of a published fair."""

    code = "fair-slot-not-found"
    title_zh = "没有找到该场次"
    title_en = "There is no such time of a job fair"


class FairSlotOver(Conflict):
    """The time has begun, or the fair is not held."""

    code = "fair-slot-over"
    title_zh = "该场次已开始或已取消"
    title_en = "The time of the job fair has passed"


class FairSlotFull(Conflict):
    """No seat is free; `free_slots` names other times of the fair with seats."""

    code = "fair-slot-full"
    title_zh = "该场次已约满"
    title_en = "No seat is free at this time"


class AlreadyBooked(Conflict):
    """The citizen has a seat at this fair."""

    code = "fair-already-booked"
    title_zh = "您已预约该招聘会"
    title_en = "You have a seat at this job fair already"


class FairBookingNotFound(NotFound):
    """There is no such booking, or it is somebody else's."""

    code = "fair-booking-not-found"
    title_zh = "没有找到该预约"
    title_en = "There is no such booking"


class HoldOver(Conflict):
    """The seat was not confirmed in time, and is free again."""

    code = "fair-hold-over"
    title_zh = "预留已超时，请重新预约"
    title_en = "The seat was not confirmed in time"


class CheckInTooEarly(Conflict):
    """Nobody is checked in earlier than an hour before their time."""

    code = "check-in-too-early"
    title_zh = "尚未到签到时间"
    title_en = "It is too early to check in"


class AlreadyWaiting(Conflict):
    """The citizen waits for a seat at this time."""

    code = "fair-already-waiting"
    title_zh = "您已在候补队列中"
    title_en = "You wait for a seat at this time already"


class WaitingNeedless(Conflict):
    """Seats are free: book one."""

    code = "fair-seats-free"
    title_zh = "该场次仍有名额，请直接预约"
    title_en = "Seats are free; book one"


class WaitingClosed(Conflict):
    """On the last day nobody is offered a seat any more."""

    code = "fair-waiting-closed"
    title_zh = "开始前一天不再接受候补"
    title_en = "Nobody is offered a seat on the last day"


class FairWaitNotFound(NotFound):
    """The citizen does not wait for this."""

    code = "fair-wait-not-found"
    title_zh = "没有找到该候补"
    title_en = "There is no such place in a queue"


class SavedSearchNotFound(NotFound):
    """The citizen keeps no such search."""

    code = "saved-search-not-found"
    title_zh = "没有找到该订阅"
    title_en = "There is no such saved search"


class TooManySavedSearches(Conflict):
    """The citizen keeps as many searches as one may."""

    code = "too-many-saved-searches"
    title_zh = "岗位订阅已达上限"
    title_en = "No more searches can be kept"


class ReportNotFound(NotFound):
    """There is no such complaint about an employer."""

    code = "employer-report-not-found"
    title_zh = "没有找到该举报"
    title_en = "There is no such complaint about an employer"


class ReportUnderWay(Conflict):
    """The desk has an earlier complaint of the same citizen about the same employer."""

    code = "employer-report-under-way"
    title_zh = "您对该单位的举报正在处理中"
    title_en = "An earlier complaint about the employer is not decided yet"
