"""A telephone call by Alibaba Cloud's Dyvmsapi, SingleCallByTts (阿里云语音服务): a template is read out."""

from collections.abc import Mapping

from services.notification.adapters.channels.aliyun_call import AliyunCaller, national_number
from services.notification.adapters.channels.aliyun_sms import template_of, template_values
from services.notification.application.channels import Parcel, Receipt

VOICE_ENDPOINT = "https://dyvmsapi.aliyuncs.com/"
#: Read out so often: who is woken by it misses the first time.
_PLAY_TIMES = 2


class AliyunVoice:
    """Implements `Channel`."""

    def __init__(
        self,
        caller: AliyunCaller,
        *,
        show_number: str,
        templates: Mapping[str, str],
        variables: Mapping[str, str],
    ) -> None:
        """`show_number` is what the telephone shows; empty where the vendor draws one of its own."""
        self._caller = caller
        self._show_number = show_number
        self._templates = templates
        self._variables = variables

    async def send(self, parcel: Parcel) -> Receipt:
        answer = await self._caller.call(
            "SingleCallByTts",
            parcel,
            {
                **({"CalledShowNumber": self._show_number} if self._show_number else {}),
                "CalledNumber": national_number(parcel.address),
                "TtsCode": template_of(self._templates, parcel),
                "TtsParam": template_values(self._variables, parcel),
                "PlayTimes": str(_PLAY_TIMES),
            },
        )
        return Receipt(reference=str(answer.get("CallId", "")))

    async def close(self) -> None:
        await self._caller.close()
