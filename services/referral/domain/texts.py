"""What people read when a referral is refused or explained: one catalogue, by code, in both languages."""

from services.referral.domain.norms_texts import NORMS
from services.referral.domain.texts_plan import PLAN
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


#: Who may give a command.
_PARTIES = {
    "WRONG_FACILITY": _pair(
        "该操作须由{party}执行，贵机构不是本次转诊的{party}",
        "this is for the {party} to do, which your facility is not in this referral",
    ),
    "WRONG_ROLE": _pair("该操作须由以下角色执行：{roles}", "this needs one of the roles: {roles}"),
    "SYSTEM_ONLY": _pair("该操作由系统执行", "only the system does this"),
    "OPERATOR_ONLY": _pair("机构目录须由平台运维人员发布", "only an operator applies the directory"),
    "IDENTITY_KEYS_MISSING": _pair(
        "本平台未配置患者身份密钥，不能登记或查询患者身份",
        "the site has given no keys for patients' identities: none can be recorded or read",
    ),
    "READS_FOR_OFFICES": _pair(
        "查阅记录仅供转诊办、协调员和平台运维人员查看",
        "who looked is for referral offices, coordinators and operators to see",
    ),
    "FACILITY_NOT_IN_DIRECTORY": _pair(
        "贵机构未列入机构目录，不能发起转诊", "your facility is not in the directory and cannot refer"
    ),
}

#: Guards of the state table.
_GUARDS = {
    "NOT_ALLOWED_IN_STATE": _pair(
        "转诊单当前状态为“{state}”，不能{command}",
        "the referral is {state}: it is not possible to {command}",
    ),
    "DOWN_ONLY": _pair(
        "随访和康复计划仅适用于下转的转诊单", "follow-ups and plans belong to a referral down"
    ),
    "REASON_MISSING": _pair("须填写原因代码", "a coded reason is needed"),
    "OFFER_NOT_OPEN": _pair(
        "贵机构的转诊申请已处理、撤回或超时", "the offer to your facility is no longer open"
    ),
    "QUESTIONS_MISSING": _pair("须写明需补充的内容", "say what information is needed"),
    "ANSWERS_MISSING": _pair("须填写补充内容", "give the information that was asked for"),
    "CLINICIAN_NOT_NAMED": _pair("须指定接诊医师", "name the clinician who takes the patient"),
    "REVIEW_NOT_OPEN": _pair(
        "该转诊无待补审事项", "nothing of this referral waits to be reviewed afterwards"
    ),
    "HOPS_EXHAUSTED": _pair("改派已达 {hops} 次上限", "it was re-routed {hops} times, which is the limit"),
    "BED_NOT_READY": _pair(
        "接收机构尚未预留床位（当前：{bed}）；床位就绪、无需床位或走急诊直通方可转运",
        "no bed is held at the destination (now: {bed}); a held bed, no need of one or the emergency-room"
        " bypass is needed",
    ),
    "CREW_TOO_LOW": _pair(
        "转运配置须达到“{least}”及以上", "the patient's condition needs a crew of level {least} or higher"
    ),
    "TRANSPORT_MISSING": _pair(
        "尚未安排转运，须填写转运信息", "transport was not arranged: say how they travel"
    ),
    "HANDOVER_MISSING": _pair("须填写转运交接单", "a handover document is needed"),
    "FILING_MISSING": _pair(
        "跨统筹区转诊，出发前须填写异地就医备案号",
        "out of the insurance pooling area: a filing number is needed before departure",
    ),
    "DESTINATION_NOT_NEW": _pair("须改送其他机构", "the new destination must be another facility"),
    "PATIENT_MISMATCH": _pair(
        "到院患者与转诊单不符，请核对身份", "the patient who arrived is not the referral's"
    ),
    "TOO_MANY_RESULTS": _pair("一份转诊单最多附 {most} 项结果", "a referral carries at most {most} results"),
    "WINDOW_NOT_PASSED": _pair(
        "预约时段未过（至 {until}），不能登记未到",
        "the patient is expected until {until}: it is no no-show yet",
    ),
    "DISCHARGE_SUMMARY_MISSING": _pair(
        "须填写治疗结局和出院小结", "outcome and discharge summary are needed"
    ),
    "PLAN_INCOMPLETE": _pair(
        "下转须附康复计划：带日期的任务、用药、警示症状和首次随访日期",
        "a referral back needs dated tasks, medication, red flags and a first follow-up date",
    ),
    "NOT_DOWNWARD": _pair(
        "下转的接收机构层级须低于本机构", "a referral back goes to a facility of a lower level"
    ),
    "REFERRED_BACK_ALREADY": _pair("该患者已下转", "the patient was referred back already"),
    "REPORT_NOT_ACKNOWLEDGED": _pair("须先确认已阅诊疗结果", "the outcome report must be acknowledged first"),
    "CERTIFIER_MISSING": _pair("须填写死亡证明签署人", "name who certified the death"),
    "NOTHING_GIVEN": _pair("须填写补记内容", "nothing was given to complete the record with"),
    "ERROR_NOT_CLAIMED": _pair(
        "作废须先由转出机构提出", "the origin says first that it is an error; then it is confirmed"
    ),
    "ERROR_MARK_NOT_STANDING": _pair(
        "没有待确认的作废申请，无可撤回", "nothing that calls it an error waits to be confirmed"
    ),
    "SECOND_APPROVER_MISSING": _pair(
        "已提出作废，须由接收机构转诊办或协调员中的另一人确认",
        "it waits for a second person: the destination's referral office, or a coordinator, confirms",
    ),
    "BYPASS_NOT_GRANTED": _pair(
        "接收机构尚未同意急诊直通", "the destination has not granted the emergency-room bypass"
    ),
    "BYPASS_NOT_URGENT": _pair(
        "急诊直通仅限急危重和急症患者，常规转诊须待床位",
        "only emergency and urgent patients come by the emergency room; a routine one waits for a bed",
    ),
}

#: A referral that follows a consultation.
_CONSULTATION = {
    "CONSULTATION_OF_ANOTHER_FACILITY": _pair(
        "该会诊非本机构申请，须由申请机构发起转诊",
        "the consultation was asked by another facility, which refers",
    ),
    "CONSULTATION_ADVISES_NO_TRANSFER": _pair(
        "该会诊未建议转诊", "the consultation does not recommend a transfer"
    ),
    "CONSULTATION_OF_ANOTHER_PATIENT": _pair("该会诊属其他患者", "the consultation is another patient's"),
    "CONSULTATION_OF_ANOTHER_EPISODE": _pair(
        "该会诊不属于本次诊疗过程", "the consultation belongs to another episode"
    ),
}

#: What the system writes into a record that it opens (Chinese: it becomes part of the patient's record).
REFERRAL_REASON_BACK = "病情稳定，下转基层继续康复和随访"
REFERRAL_REASON_RED_FLAG = "随访出现警示症状：{red_flag}"

_CATALOGUE = {**_PARTIES, **_GUARDS, **PLAN, **_CONSULTATION, **NORMS}

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400

CODES = frozenset(_CATALOGUE)


def text(code: str) -> BilingualText:
    """The text of a code that takes no values. Raises KeyError for an unknown one."""
    return _CATALOGUE[code]


def filled(code: str, zh: dict[str, str], en: dict[str, str]) -> BilingualText:
    """The text of a code with its values in each language. Raises KeyError when code or value is unknown."""
    template = _CATALOGUE[code]
    return BilingualText(zh=template.zh.format_map(zh), en=template.en.format_map(en))


def span(seconds: int) -> BilingualText:
    """A time limit in the largest unit that it is a whole number of: 2 min, 72 h, 7 days."""
    if seconds > 3 * _DAY_S and seconds % _DAY_S == 0:
        days = seconds // _DAY_S
        return _pair(f"{days}天", f"{days} days")
    if seconds >= _HOUR_S and seconds % _HOUR_S == 0:
        return _pair(f"{seconds // _HOUR_S}小时", f"{seconds // _HOUR_S} h")
    if seconds >= _MINUTE_S and seconds % _MINUTE_S == 0:
        return _pair(f"{seconds // _MINUTE_S}分钟", f"{seconds // _MINUTE_S} min")
    return _pair(f"{seconds}秒", f"{seconds} s")
