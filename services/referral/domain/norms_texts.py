"""What the norms say, passed or failed: by code, in both languages, with the reason in it."""

from services.referral.domain.values import FacilityLevel
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


LEVELS: dict[FacilityLevel, BilingualText] = {
    FacilityLevel.VILLAGE: _pair("村级", "village"),
    FacilityLevel.TOWNSHIP: _pair("乡镇（社区）级", "township"),
    FacilityLevel.COUNTY: _pair("县级", "county"),
    FacilityLevel.CITY: _pair("市级", "city"),
    FacilityLevel.PROVINCE: _pair("省级", "province"),
}

#: Centres and departments that a pathway needs.
CAPABILITIES: dict[str, BilingualText] = {
    "STROKE": _pair("卒中中心", "a stroke centre"),
    "CHEST_PAIN": _pair("胸痛中心", "a chest pain centre"),
    "TRAUMA": _pair("创伤中心", "a trauma centre"),
    "CRITICAL_MATERNAL": _pair("危重孕产妇救治中心", "a centre for critically ill mothers"),
    "CRITICAL_NEONATAL": _pair("危重新生儿救治中心", "a centre for critically ill newborns"),
    "CRITICAL_CARE": _pair("重症医学科", "a critical care department"),
    "HEMODIALYSIS": _pair("血液透析室", "a haemodialysis unit"),
    "REHABILITATION": _pair("康复医学科", "a rehabilitation department"),
    "DAY_SURGERY": _pair("日间手术中心", "a day surgery centre"),
}

#: What a green channel skips.
SKIPPED: dict[str, BilingualText] = {
    "LEVEL_BY_LEVEL": _pair("逐级转诊", "the climb level by level"),
    "APPROVAL_QUEUE": _pair("审批排队（事后补审）", "the wait for approval (reviewed afterwards)"),
    "DEPOSIT": _pair("预交金", "the deposit"),
}

NORMS: dict[str, BilingualText] = {
    "LEVEL_BY_LEVEL.NOT_UP": _pair("非上转，不要求逐级", "not a referral up: levels do not count"),
    "LEVEL_BY_LEVEL.NOT_ROUTINE": _pair(
        "非常规转诊，不要求逐级", "not a routine referral: levels may be skipped"
    ),
    "LEVEL_BY_LEVEL.PASSED": _pair(
        "{origin}（{origin_level}）转往{facility}（{level}），符合逐级转诊",
        "from {origin} ({origin_level}) to {facility} ({level}): it climbs one level",
    ),
    "LEVEL_BY_LEVEL.LEAD": _pair(
        "{facility}为所在医共体（医疗集团）牵头医院，不要求逐级",
        "{facility} leads the origin's community or group: levels may be skipped",
    ),
    "LEVEL_BY_LEVEL.ALLIANCE": _pair(
        "同属“{alliance}”专科联盟，可直接转往{facility}",
        "both are members of the alliance {alliance}: {facility} may be asked directly",
    ),
    "LEVEL_BY_LEVEL.NEAREST_CENTRE_HIGHER": _pair(
        "最近的{capability}为{nearest}（{level}，车程{minutes}分钟），不要求逐级",
        "the nearest place with {capability} is {nearest} ({level}, {minutes} min by road): levels may be"
        " skipped",
    ),
    "LEVEL_BY_LEVEL.GREEN_CHANNEL": _pair(
        "凭绿色通道“{channel}”，免逐级", "the green channel {channel} skips levels"
    ),
    "LEVEL_BY_LEVEL.FAILED": _pair(
        "常规上转应逐级：{origin}（{origin_level}）应先转往{next_level}机构，不应越级转往{facility}（{level}）",
        "a routine referral climbs one level at a time: from {origin} ({origin_level}) to a {next_level}"
        " facility, not to {facility} ({level})",
    ),
    "CAPABILITY.NONE_NEEDED": _pair("该路径不要求专科中心", "the pathway needs no particular centre"),
    "CAPABILITY.PASSED": _pair("{facility}设有{capability}", "{facility} has {capability}"),
    "CAPABILITY.GRASSROOTS": _pair(
        "{facility}为基层机构，可承接康复随访", "{facility} gives grassroots rehabilitation care"
    ),
    "CAPABILITY.FAILED": _pair("{facility}未设{capability}", "{facility} does not have {capability}"),
    "NEAREST_CAPABLE.NOT_EMERGENCY": _pair("非急诊，不要求就近", "no emergency: it need not be the nearest"),
    "NEAREST_CAPABLE.PASSED": _pair(
        "{facility}为最近的有能力机构（车程{minutes}分钟）",
        "{facility} is the nearest capable one ({minutes} min by road)",
    ),
    "NEAREST_CAPABLE.TOGETHER": _pair(
        "同时申请的机构中，{nearest}最近（车程{minutes}分钟）",
        "{nearest}, the nearest capable one ({minutes} min by road), is asked at the same time",
    ),
    "NEAREST_CAPABLE.UNKNOWN": _pair(
        "目录中无车程数据，无法比较远近", "no travel times are known to compare"
    ),
    "NEAREST_CAPABLE.FAILED": _pair(
        "急诊应就近：{nearest}车程{minutes}分钟，近于{facility}{mine}",
        "an emergency goes to the nearest capable facility: {nearest}, {minutes} min by road, not"
        " {facility}{mine}",
    ),
    "NEAREST_CAPABLE.MINE": _pair("（{minutes}分钟）", " ({minutes} min)"),
    "APPROVAL.NOT_NEEDED": _pair("无需牵头医院审批", "no approval is needed"),
    "APPROVAL.GIVEN": _pair("{approver}已审批转往县外", "{approver} approved leaving the county"),
    "APPROVAL.AWAITED": _pair(
        "转往县外的{facility}，须先经{approver}审批",
        "{facility} is out of the county: {approver} must approve it first",
    ),
    "APPROVAL.IN_RETROSPECT": _pair(
        "急诊转往县外，先行转诊，{hours}小时内由{approver}补审",
        "an emergency out of the county: {approver} reviews it afterwards, within {hours} h",
    ),
    "APPROVAL.GREEN_CHANNEL": _pair(
        "凭绿色通道“{channel}”转往县外，先行转诊，{hours}小时内由{approver}补审",
        "out of the county by the green channel {channel}: {approver} reviews it afterwards,"
        " within {hours} h",
    ),
    "APPROVAL.CONTINUES": _pair(
        "续转转往县外，先行转诊，{hours}小时内由{approver}补审",
        "out of the county to go on with a referral: {approver} reviews it afterwards, within {hours} h",
    ),
    "APPROVAL.FAILED": _pair(
        "转往县外的{facility}须经{approver}审批，不能以改派绕过；请重新发起转诊",
        "{facility} is out of the county and needs the approval of {approver}, which re-routing cannot skip;"
        " create it anew",
    ),
    "INSURANCE_FILING.DOWN": _pair("下转回参保地方向，无需备案", "the way back down needs no filing"),
    "INSURANCE_FILING.NOT_NEEDED": _pair(
        "同一统筹区，无需异地就医备案", "one pooling area: no filing is needed"
    ),
    "INSURANCE_FILING.SAME_AREA": _pair(
        "同属统筹区“{area}”，无需异地就医备案", "both are in the pooling area {area}: no filing is needed"
    ),
    "INSURANCE_FILING.EXEMPT": _pair(
        "按统筹区规定（{exemption}）免异地就医备案", "the area's rule ({exemption}) exempts from filing"
    ),
    "INSURANCE_FILING.EMERGENCY": _pair("急诊视同已备案", "an emergency counts as filed"),
    "INSURANCE_FILING.BEFORE_DEPARTURE": _pair(
        "{facility}在统筹区外（{here}→{there}），出发前须办理异地就医备案",
        "{facility} is out of the pooling area ({here} → {there}): a filing number is needed before"
        " departure",
    ),
    "INSURANCE_FILING.UNNAMED": _pair("行政区{region}", "region {region}"),
    "DOWN_READY.NOT_DOWN": _pair(
        "非下转，不要求康复计划", "not a referral down: no rehabilitation plan is needed"
    ),
    "DOWN_READY.PASSED": _pair(
        "康复计划、用药和首次随访日期齐全", "plan, medication and first follow-up date are there"
    ),
    "DOWN_READY.FAILED": _pair("下转尚缺：{missing}", "a referral down still needs: {missing}"),
    "DOWN_READY.TASKS": _pair("康复任务", "rehabilitation tasks"),
    "DOWN_READY.MEDICATIONS": _pair("用药清单", "a medication list"),
    "DOWN_READY.FOLLOW_UP": _pair("首次随访日期", "a first follow-up date"),
    "CONSENT.RECORDED": _pair("已取得知情同意", "consent is recorded"),
    "CONSENT.EMERGENCY": _pair("急诊例外，后补知情同意", "emergency exception from consent"),
    "CONSENT.CONTINUES": _pair(
        "沿用上一转诊的知情同意", "covered by the consent to the referral that it continues"
    ),
    "CONSENT.FAILED": _pair(
        "未取得知情同意（仅急诊可例外）",
        "consent is not recorded, and the exception is for emergencies alone",
    ),
    "ONE_LIVE.PASSED": _pair("本次诊疗过程无其他进行中的转诊", "no other referral of the episode is live"),
    "ONE_LIVE.FAILED": _pair(
        "本次诊疗过程已有进行中的转诊：{referral}", "another referral of the episode is live: {referral}"
    ),
    "NEW_DESTINATION.PASSED": _pair("{facility}此前未拒收或逾时未答", "{facility} has not said no before"),
    "NEW_DESTINATION.FAILED": _pair(
        "{facility}此前已拒收或逾时未答，须说明再次申请的原因",
        "{facility} said no before, or nothing in time: a coded reason is needed",
    ),
    "GREEN_CHANNEL.OPEN": _pair(
        "凭绿色通道“{channel}”转往{facility}，免：{skips}；专科能力、就近、知情同意等临床要求不变",
        "the green channel {channel} opens {facility} and skips {skips}; no clinical guard is skipped",
    ),
    "GREEN_CHANNEL.NOT_HERE": _pair(
        "绿色通道“{channel}”仅通往{opens}，转往{facility}不免任何环节",
        "the green channel {channel} opens {opens} alone: nothing is skipped on the way to {facility}",
    ),
    "GREEN_CHANNEL.OTHER_FACILITY": _pair(
        "绿色通道“{channel}”通往{opens}，不适用于{facility}",
        "the green channel {channel} opens {opens}, not {facility}",
    ),
    "GREEN_CHANNEL.OTHER_HOLDER": _pair(
        "绿色通道“{channel}”由{holder}持有，{origin}不能使用",
        "the green channel {channel} is held by {holder}: {origin} cannot use it",
    ),
}
