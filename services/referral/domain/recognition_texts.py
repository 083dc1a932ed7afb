"""What people read of the recognition of a result, by the code of the finding."""

from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


TEXTS: dict[str, BilingualText] = {
    "RECOGNISED": _pair(
        "予以互认，无特殊情况不重复检查检验", "recognised: repeat it for a coded reason only"
    ),
    "RESULT_GIVEN": _pair(
        "附有结果数据或影像资料；互认结果，不互认诊断结论",
        "it has values or images; the result is recognised, a diagnostic conclusion is not",
    ),
    "CONCLUSION_ONLY": _pair(
        "仅有诊断结论，无结果数据或影像资料，不在互认范围",
        "a diagnostic conclusion without values or images is not recognised",
    ),
    "SAME_FACILITY": _pair("本机构所做", "made at this facility"),
    "SAME_COMMUNITY": _pair("同一医共体内互认", "made within the same medical community"),
    "SAME_AREA": _pair("同属一个互认区域", "both facilities belong to one recognition area"),
    "NATIONAL_MARK": _pair("具有全国互认标识，不限区域", "its mark is national: the area does not matter"),
    "OTHER_AREA": _pair("不属同一互认区域", "the facilities share no recognition area"),
    "UPPER_OR_SAME_LEVEL": _pair("由上级或同级机构出具", "made by a facility of the same or an upper level"),
    "MARKED_LOWER_LEVEL": _pair(
        "由下级机构出具，但互认标识覆盖本机构",
        "made at a lower level, under a mark that is valid here",
    ),
    "LOWER_LEVEL": _pair(
        "由下级机构出具且无覆盖本机构的互认标识",
        "made at a lower level, without a mark that is valid here",
    ),
    "LEVEL_UNKNOWN": _pair("出具机构层级不明", "the level of the facility that made it is not known"),
    "IN_TIME": _pair("在互认时限内", "it is recent enough"),
    "TOO_OLD": _pair("超过互认时限", "it is older than results of its kind are recognised"),
    "NO_TIME_LIMIT": _pair("该类项目未设互认时限，不互认", "no limit is set for its kind: not recognised"),
    "NOT_YET": _pair("检查时间晚于当前", "it was made later than now"),
    "MARK_COVERS": _pair("互认标识覆盖双方机构", "its mark covers both facilities"),
    "NO_MARK": _pair("无互认标识", "it has no quality mark"),
    "MARK_UNKNOWN": _pair("互认标识不在本地目录", "its quality mark is not in the site's catalogue"),
    "MARK_NOT_VALID": _pair("检查当日互认标识不在有效期", "its mark was not valid on the day it was made"),
    "MARK_ELSEWHERE": _pair("互认标识不适用于本机构所在地区", "its mark is not valid between the regions"),
}
