"""Every text of the bed service that people read, in both languages, by stable code."""

from typing import Final

from services.bed.domain.values import BedState, BedType
from services.shared.kernel.refusals import FailedRule, NotPermitted
from services.shared.kernel.text import BilingualText

_BED_STATES: Final[dict[BedState, BilingualText]] = {
    BedState.FREE: BilingualText(zh="空闲", en="free"),
    BedState.HELD: BilingualText(zh="已预留", en="held"),
    BedState.OCCUPIED: BilingualText(zh="占用", en="occupied"),
    BedState.CLEANING: BilingualText(zh="清洁消毒中", en="being cleaned"),
    BedState.BLOCKED: BilingualText(zh="停用", en="blocked"),
}

_BED_TYPES: Final[dict[BedType, BilingualText]] = {
    BedType.GENERAL: BilingualText(zh="普通病床", en="general bed"),
    BedType.ICU: BilingualText(zh="重症监护病床", en="intensive care bed"),
    BedType.CCU: BilingualText(zh="心脏监护病床", en="coronary care bed"),
    BedType.STROKE_UNIT: BilingualText(zh="卒中单元病床", en="stroke unit bed"),
    BedType.MATERNITY: BilingualText(zh="产科病床", en="maternity bed"),
    BedType.NICU: BilingualText(zh="新生儿监护病床", en="neonatal intensive care bed"),
    BedType.ISOLATION: BilingualText(zh="隔离病床", en="isolation bed"),
    BedType.REHABILITATION: BilingualText(zh="康复病床", en="rehabilitation bed"),
    BedType.DIALYSIS_STATION: BilingualText(zh="透析机位", en="dialysis station"),
}

_COMMANDS: Final[dict[str, BilingualText]] = {
    "HoldBed": BilingualText(zh="预留床位", en="hold it"),
    "ExtendHold": BilingualText(zh="调整预留时限", en="move the end of its hold"),
    "ReleaseHold": BilingualText(zh="释放预留", en="release its hold"),
    "OccupyBed": BilingualText(zh="收住患者", en="occupy it"),
    "VacateBed": BilingualText(zh="腾空床位", en="vacate it"),
    "MarkBedReady": BilingualText(zh="标记为可用", en="mark it ready"),
    "TransferFrom": BilingualText(zh="由此转出", en="transfer from it"),
    "TransferTo": BilingualText(zh="转入此床", en="transfer to it"),
    "BlockBed": BilingualText(zh="停用", en="block it"),
    "UnblockBed": BilingualText(zh="恢复使用", en="unblock it"),
}

_RULES: Final[dict[str, BilingualText]] = {
    "BED_STATE": BilingualText(
        zh="{bed}床当前{state_zh}，不能{command_zh}", en="bed {bed} is {state_en}: cannot {command_en}"
    ),
    "BED_PROMISED": BilingualText(
        zh="{bed}床已为其他转诊预留，须凭预留入住",
        en="bed {bed} is held for a referral: it is occupied by that hold only",
    ),
    "HOLD_NOT_OPEN": BilingualText(
        zh="该床位预留已结束，或不在本病区", en="the hold has ended, or is not in this ward"
    ),
    "STALE_FENCING_TOKEN": BilingualText(
        zh="预留令牌{given}已失效，当前令牌为{current}",
        en="fencing token {given} is stale; the current one is {current}",
    ),
    "UNKNOWN_FENCING_TOKEN": BilingualText(
        zh="预留令牌{given}不属于该预留，当前令牌为{current}",
        en="fencing token {given} was not given to this hold; the current one is {current}",
    ),
    "NO_FREE_BED": BilingualText(
        zh="暂无适合该患者的空闲{bed_type_zh}", en="no {bed_type_en} that fits the patient is free"
    ),
    "NO_SUITABLE_WARD": BilingualText(
        zh="没有可收治该患者的{bed_type_zh}", en="there is no {bed_type_en} that could take the patient"
    ),
    "PATIENT_HAS_BED": BilingualText(
        zh="该患者在本病区已有{bed}床", en="the patient already has bed {bed} of this ward"
    ),
    "IN_BED_ELSEWHERE": BilingualText(
        zh="该转诊患者已在其他机构入住", en="the patient lies in another facility's bed for this referral"
    ),
    "RESERVED_FOR_REFERRALS": BilingualText(
        zh="{ward}病区剩余空床为转诊预留（{beds}张），非转诊患者须注明急诊理由",
        en="ward {ward} keeps its last {beds} free beds for referrals: others give an emergency's reason",
    ),
    "ENCOUNTER_HAS_BED": BilingualText(
        zh="该就诊已登记在{ward}病区{bed}床", en="the encounter has bed {bed} of ward {ward} already"
    ),
    "ENCOUNTER_ENDED": BilingualText(
        zh="该就诊已出院，请以新的就诊号办理入院", en="the encounter has ended: admit under a new one"
    ),
    "REFERRAL_HAS_BED": BilingualText(
        zh="该转诊已有床位：{place}", en="the referral has a bed already: {place}"
    ),
    "WAITS_ELSEWHERE": BilingualText(
        zh="该转诊正在{facility}候床", en="the referral waits for a bed at {facility}"
    ),
    "REFERRAL_ENDED": BilingualText(
        zh="该转诊已结束，不能预留床位或候床", en="the referral has ended: it gets no bed and waits for none"
    ),
    "BED_AVAILABLE": BilingualText(
        zh="现有适合该患者的空床，请直接预留", en="a bed that fits the patient is free: hold it"
    ),
    "WAITING_LIST_FULL": BilingualText(
        zh="候床名单已满（{most}人）", en="the waiting list is full: {most} wait"
    ),
    "NOT_WAITING": BilingualText(zh="该转诊不在候床名单中", en="the referral is not on the waiting list"),
    "BEDS_IN_USE": BilingualText(
        zh="以下床位已预留或占用，不能撤除：{beds}", en="held or occupied, cannot be removed: {beds}"
    ),
    "BED_TYPE_IN_USE": BilingualText(
        zh="以下床位已预留或占用，病区不能变更床位类型：{beds}",
        en="held or occupied, the ward cannot change its bed type: {beds}",
    ),
    "WARD_OF_OTHER_FACILITY": BilingualText(
        zh="病区编号{ward}已由其他机构使用", en="ward id {ward} is in use by another facility"
    ),
}

_PERMISSIONS: Final[dict[str, BilingualText]] = {
    "ROLE_NOT_PERMITTED": BilingualText(zh="当前角色无权执行此操作", en="your role may not do this"),
    "OTHER_FACILITY": BilingualText(zh="仅限病区所属机构操作", en="only the ward's own facility may do this"),
}

#: every code of a guard of this service
RULE_CODES: tuple[str, ...] = tuple(_RULES)


def failed(code: str, **values: object) -> FailedRule:
    """The guard `code`, with its values filled into both texts."""
    text = _RULES[code]
    return FailedRule(code=code, text=BilingualText(zh=text.zh.format(**values), en=text.en.format(**values)))


def wrong_state(bed: str, state: BedState, command: str) -> FailedRule:
    """The bed's state has no row for the command; a transfer is `TransferFrom` and `TransferTo`."""
    is_now, asked = _BED_STATES[state], _COMMANDS[command]
    return failed(
        "BED_STATE",
        bed=bed,
        state_zh=is_now.zh,
        state_en=is_now.en,
        command_zh=asked.zh,
        command_en=asked.en,
    )


def no_bed(reason: str, bed_type: BedType) -> FailedRule:
    """There is no bed of the type for the patient; `reason` is an UnavailableReason."""
    text = _BED_TYPES[bed_type]
    return failed(reason, bed_type_zh=text.zh, bed_type_en=text.en)


def not_permitted(reason: str) -> NotPermitted:
    return NotPermitted(reason, _PERMISSIONS[reason])
