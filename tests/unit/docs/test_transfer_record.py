"""The page of the transfer record: all 29 elements of WS 445.16-2014, each carried by one field."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/transfer-record.md"
PROTOS = ROOT / "protos/tierlink/referral/v1"

#: WS 445.16-2014, in its order; some numbers stand for several elements.
ELEMENTS = {
    "健康卡号": "DE01.00.021.00",
    "门(急)诊号": "DE01.00.010.00",
    "住院号": "DE01.00.014.00",
    "患者姓名": "DE02.01.039.00",
    "性别代码": "DE02.01.040.00",
    "出生日期": "DE02.01.005.01",
    "过敏史": "DE02.10.022.00",
    "疾病史(含外伤)": "DE02.10.026.00",
    "手术史": "DE02.10.061.00",
    "转诊(院)日期": "DE06.00.176.00",
    "转诊原因": "DE06.00.177.00",
    "转诊记录": "DE06.00.181.00",
    "转诊医师姓名": "DE02.01.039.00",
    "疾病诊断编码": "DE05.01.024.00",
    "诊断日期": "DE05.01.058.00",
    "诊断机构名称": "DE08.10.013.00",
    "相关症状": "DE04.01.117.00",
    "主要治疗措施": "DE06.00.308.00",
    "辅助检查结果": "DE04.30.009.00",
    "手术及操作编码": "DE06.00.093.00",
    "手术及操作开始日期时间": "DE06.00.221.00",
    "治疗方案": "DE06.00.159.00",
    "处置计划": "DE05.10.014.00",
    "健康问题评估": "DE05.10.033.00",
    "康复措施指导": "DE06.00.066.00",
    "转出医疗机构代码": "DE08.10.052.00",
    "转出科室名称": "DE08.10.026.00",
    "转入医疗机构名称": "DE08.10.013.00",
    "转入科室名称": "DE08.10.026.00",
}


def _table() -> dict[str, tuple[str, str]]:
    """Number and field by element, as the page has them."""
    rows = re.findall(r"^\| (\S+) \| (DE[\d.]+) \| `([\w.]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len({element for element, _, _ in rows})
    return {element: (number, field) for element, number, field in rows}


def _commented() -> Iterator[tuple[str, str, str]]:
    """Element, number and field of each comment in the contract that names one."""
    for proto in sorted(PROTOS.glob("*.proto")):
        message, comment = "", ""
        for line in proto.read_text("utf-8").splitlines():
            if found := re.match(r"message (\w+) \{", line):
                message = found[1]
            if line.lstrip().startswith("//"):
                comment += line.strip().removeprefix("//")
            elif found := re.match(r"  (?:repeated |optional )?[\w.]+ (\w+) = \d+", line):
                for number in re.findall(r"DE[\d.]+\d", comment):
                    yield comment.strip(), number, f"{message}.{found[1]}"
                comment = ""
            else:
                comment = ""


def _field(path: str) -> Any:
    """A field of the contract by message and name. Raises KeyError when there is none."""
    message, _, field = path.partition(".")
    for proto in sorted(PROTOS.glob("*.proto")):
        module: Any = import_module(f"tierlink.referral.v1.{proto.stem}_pb2")
        descriptor = module.DESCRIPTOR.message_types_by_name.get(message)
        if descriptor is not None:
            return descriptor.fields_by_name[field]
    type_pb2: Any = import_module("tierlink.type.v1.type_pb2")
    return type_pb2.DESCRIPTOR.message_types_by_name[message].fields_by_name[field]


def test_the_page_has_the_29_elements_of_the_standard() -> None:
    assert len(ELEMENTS) == 29
    assert {element: number for element, (number, _) in _table().items()} == ELEMENTS


def test_each_element_is_carried_by_the_field_that_says_so() -> None:
    on_page = sorted((number, field) for number, field in _table().values())
    in_contract = sorted((number, field) for _, number, field in _commented())
    assert in_contract == on_page
    assert len(in_contract) == len({field for _, field in in_contract}) == 29


def test_each_comment_begins_with_the_elements_name() -> None:
    """Whoever reads the contract finds the standard's word."""
    names = {field: element for element, (_, field) in _table().items()}
    for comment, _, field in _commented():
        assert comment.replace("（", "(").replace("）", ")").startswith(names[field]), field


def test_every_field_that_the_page_names_is_in_the_contract() -> None:
    named = set(re.findall(r"`([A-Z]\w+\.[a-z_0-9]+)`", PAGE.read_text("utf-8")))
    assert len(named) > 50
    assert [path for path in sorted(named) if _field(path) is None] == []
