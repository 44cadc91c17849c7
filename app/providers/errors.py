"""What the room of providers refuses."""

from app.core.errors import Conflict, Forbidden, Invalid, NotFound


class ProviderNotFound(NotFound):
    """There is no provider of this name, or it is somebody else's."""

    code = "provider-not-found"
    title_zh = "没有该服务提供方"
    title_en = "There is no such provider"


class ManifestNotFound(NotFound):
    """The provider has no such version of its manifest."""

    code = "manifest-not-found"
    title_zh = "没有该版本的接入清单"
    title_en = "There is no such version of the manifest"


class ProviderKeyNotFound(NotFound):
    """The provider has no such key that is still live."""

    code = "provider-key-not-found"
    title_zh = "没有该密钥"
    title_en = "There is no such key"


class ProviderHasOpenItems(Conflict):
    """The provider has to be told of items first that were paid, or still may be; `count` says."""

    code = "provider-has-open-items"
    title_zh = "该服务提供方还有未处理完的缴费"
    title_en = "The provider has yet to be told of payments"


class ManifestInvalid(Invalid):
    """The manifest breaks a rule; `errors` names each place."""

    code = "manifest-invalid"
    title_zh = "接入清单不符合要求"
    title_en = "The manifest is not valid"


class ProviderNameTaken(Conflict):
    """Another provider has this name, or had it."""

    code = "provider-name-taken"
    title_zh = "该名称已被使用"
    title_en = "Another provider has this name"


class ProviderIdTaken(Conflict):
    """An id of a service or payee belongs to another provider; `taken` names each."""

    code = "provider-id-taken"
    title_zh = "服务或收款单位标识已被使用"
    title_en = "An id of a service or payee is another provider's"


class ProviderKeyConflict(Conflict):
    """The id or the key itself stands for something else already, or was retired."""

    code = "provider-key-conflict"
    title_zh = "密钥标识或密钥已被使用"
    title_en = "The key, or its id, was used before"


class TooManyKeys(Conflict):
    """The provider has as many live keys as it may have: retire one first."""

    code = "too-many-keys"
    title_zh = "有效密钥数量已达上限"
    title_en = "There are too many live keys"


class LastKey(Conflict):
    """Without this key nobody could know the provider: add another one first."""

    code = "last-key"
    title_zh = "不能停用唯一的密钥"
    title_en = "It is the last live key"


class ProviderLeaving(Conflict):
    """The provider is leaving or gone; nothing about it changes any more."""

    code = "provider-leaving"
    title_zh = "服务提供方已退出"
    title_en = "The provider is leaving or gone"


class NotRemote(Conflict):
    """The provider is a plug-in of this house: only its switch can be thrown here."""

    code = "provider-in-process"
    title_zh = "该服务提供方为内置插件"
    title_en = "The provider is a plug-in of this house"


class NotSuspended(Conflict):
    """The provider is not suspended."""

    code = "provider-not-suspended"
    title_zh = "服务提供方未被暂停"
    title_en = "The provider is not suspended"


class NotCanary(Conflict):
    """The provider is not shown to a share of the citizens: it is no canary."""

    code = "provider-not-canary"
    title_zh = "服务提供方不在灰度阶段"
    title_en = "The provider is not a canary"


class BadgeNeeded(Conflict):
    """Canary and live need a valid badge for the manifest that is to be served."""

    code = "badge-needed"
    title_zh = "需要有效的一致性测试凭证"
    title_en = "A valid conformance badge is needed"


class BadgeInvalid(Invalid):
    """The badge is not ours, is over, or is not about a manifest of this provider."""

    code = "badge-invalid"
    title_zh = "一致性测试凭证无效"
    title_en = "The badge is not valid"


class CatalogueRefuses(Conflict):
    """The catalogue does not take a service of the provider; `faults` says why."""

    code = "catalogue-refuses"
    title_zh = "服务目录无法收录"
    title_en = "The catalogue does not take the services"


class CallNotProven(Forbidden):
    """The signature is not the provider's, too old, of another message, or was used before."""

    code = "provider-signature-invalid"
    title_zh = "服务提供方签名无效"
    title_en = "The provider's signature is not valid"
