"""What facilities agreed on and belong to beside their communities: alliances, areas, green channels."""

from dataclasses import dataclass
from enum import StrEnum

from services.shared.kernel.text import BilingualText

_PAIR = 2
_COUNTY_DIGITS = 6


class IdentifierScheme(StrEnum):
    """Registers that number facilities."""

    #: ten characters, WS 218-2002 卫生机构代码
    WS218 = "WS218"
    #: twenty-two characters 医疗机构执业许可证登记号
    LICENCE = "LICENCE"
    #: eighteen characters with a check character, GB 32100-2015 统一社会信用代码
    CREDIT_CODE = "CREDIT_CODE"


@dataclass(frozen=True, kw_only=True, slots=True)
class FacilityIdentifier:
    """A number by which a register knows a facility."""

    scheme: IdentifierScheme
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Alliance:
    """A specialist alliance 专科联盟: its members may refer to each other directly in its specialty."""

    id: str
    #: a pathway or capability, such as STROKE or CRITICAL_MATERNAL
    specialty: str
    name: BilingualText
    #: facility ids
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolingArea:
    """An insurance pooling area 医保统筹区: the facilities whose patients are insured in one fund."""

    id: str
    name: BilingualText | None = None
    #: region codes, with everything inside them
    regions: tuple[str, ...] = ()
    #: facility ids, whatever their region
    facilities: tuple[str, ...] = ()
    #: regions, facilities and pooling areas to which its patients go without a filing
    exemptions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognitionArea:
    """Facilities that recognise each other's results 检查检验结果互认区域."""

    id: str
    name: BilingualText | None = None
    #: region codes, with everything inside them
    regions: tuple[str, ...] = ()
    #: facility ids, whatever their region
    facilities: tuple[str, ...] = ()
    #: regions and facilities inside it that take no part
    exemptions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GreenChannel:
    """A named agreement 绿色通道 of a holder with a facility that opens itself to the holder's people."""

    id: str
    name: BilingualText
    #: a facility id, or words such as a school's name
    holder: str
    #: facility id
    facility: str
    #: the holder's name in both languages, where the holder is no facility
    holder_name: BilingualText | None = None


def region_holds(area: str, region: str) -> bool:
    """Whether the region of one code lies in that of another: 652300 (a prefecture) holds 652327 (a county).

    Codes are those of GB/T 2260: two digits each for province, prefecture and county; 00 stands for all.
    """
    return bool(area) and bool(region) and region.startswith(_significant(area))


def _significant(code: str) -> str:
    while len(code) > _PAIR and len(code) <= _COUNTY_DIGITS and code.endswith("00"):
        code = code[:-_PAIR]
    return code


def holding(regions: tuple[str, ...], region: str) -> int:
    """How closely the regions of an area hold a region: the digits that agree; 0 when none holds it."""
    return max([len(_significant(each)) for each in regions if region_holds(each, region)], default=0)
