"""SMS by Alibaba Cloud's Dysmsapi, SendSms (阿里云短信服务). The vendor fills an approved template."""

from collections.abc import Mapping

import msgspec

from services.notification.adapters.channels.aliyun_call import AliyunCaller, national_number
from services.notification.application.channels import Parcel, Receipt

SMS_ENDPOINT = "https://dysmsapi.aliyuncs.com/"


class AliyunSms:
    """Implements `Channel`."""

    def __init__(
        self,
        caller: AliyunCaller,
        *,
        sign_name: str,
        templates: Mapping[str, str],
        variables: Mapping[str, str],
    ) -> None:
        """`templates` by language; `variables` of the template to values of `Message.values`."""
        self._caller = caller
        self._sign_name = sign_name
        self._templates = templates
        self._variables = variables

    async def send(self, parcel: Parcel) -> Receipt:
        answer = await self._caller.call(
            "SendSms",
            parcel,
            {
                "PhoneNumbers": national_number(parcel.address),
                "SignName": self._sign_name,
                "TemplateCode": template_of(self._templates, parcel),
                "TemplateParam": template_values(self._variables, parcel),
            },
        )
        return Receipt(reference=str(answer.get("BizId", "")))

    async def close(self) -> None:
        await self._caller.close()


def template_of(templates: Mapping[str, str], parcel: Parcel) -> str:
    """The template in the recipient's language, or the only other one."""
    return templates.get(parcel.message.language) or next(iter(templates.values()))


def template_values(variables: Mapping[str, str], parcel: Parcel) -> str:
    """The template's variables as JSON. Each value is bounded already; the vendor refuses an empty one."""
    values = {name: parcel.message.values.get(source) or "-" for name, source in variables.items()}
    return msgspec.json.encode(values).decode()
