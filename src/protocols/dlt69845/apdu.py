"""The application layer protocol data unit: a service tag and what it stands for."""

from enum import IntEnum
from typing import Any, Final

from meterwire.protocols.dlt69845.services import (
    action,
    connect,
    get,
    presence,
    proxied,
    proxy,
    report,
    security,
)
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import REST, U8, Choice, Enum, Octets, Ref


class Service(IntEnum):
    """Service tag of an APDU. The COMPACT services are of 2021 and packed in a way that is not known for certain."""

    LINK_REQUEST = 1
    CONNECT_REQUEST = 2
    RELEASE_REQUEST = 3
    GET_REQUEST = 5
    SET_REQUEST = 6
    ACTION_REQUEST = 7
    REPORT_RESPONSE = 8
    PROXY_REQUEST = 9
    SECURITY_REQUEST = 16
    COMPACT_GET_REQUEST = 69
    COMPACT_SET_REQUEST = 70
    COMPACT_PROXY_REQUEST = 73
    CLIENT_ERROR_RESPONSE = 110
    LINK_RESPONSE = 129
    CONNECT_RESPONSE = 130
    RELEASE_RESPONSE = 131
    RELEASE_NOTIFICATION = 132
    GET_RESPONSE = 133
    SET_RESPONSE = 134
    ACTION_RESPONSE = 135
    REPORT_NOTIFICATION = 136
    PROXY_RESPONSE = 137
    SECURITY_RESPONSE = 144
    COMPACT_GET_RESPONSE = 197
    COMPACT_SET_RESPONSE = 198
    COMPACT_PROXY_RESPONSE = 201
    SERVER_ERROR_RESPONSE = 238


_BODIES: Final[dict[int, Any]] = {
    Service.LINK_REQUEST: presence.LinkRequest,
    Service.CONNECT_REQUEST: connect.ConnectRequest,
    Service.RELEASE_REQUEST: connect.ReleaseRequest,
    Service.GET_REQUEST: get.GetRequest,
    Service.SET_REQUEST: setting.SetRequest,
    Service.ACTION_REQUEST: action.ActionRequest,
    Service.REPORT_RESPONSE: report.ReportResponse,
    Service.PROXY_REQUEST: proxy.ProxyRequest,
    Service.SECURITY_REQUEST: security.SecurityRequest,
    Service.CLIENT_ERROR_RESPONSE: connect.ClientErrorResponse,
    Service.LINK_RESPONSE: presence.LinkResponse,
    Service.CONNECT_RESPONSE: connect.ConnectResponse,
    Service.RELEASE_RESPONSE: connect.ReleaseResponse,
    Service.RELEASE_NOTIFICATION: connect.ReleaseNotification,
    Service.GET_RESPONSE: get.GetResponse,
    Service.SET_RESPONSE: setting.SetResponse,
    Service.ACTION_RESPONSE: action.ActionResponse,
    Service.REPORT_NOTIFICATION: report.ReportNotification,
    Service.PROXY_RESPONSE: proxied.ProxyResponse,
    Service.SECURITY_RESPONSE: security.SecurityResponse,
    Service.SERVER_ERROR_RESPONSE: connect.ServerErrorResponse,
}
_SERVICE_OF: Final = {body: service for service, body in _BODIES.items()}


@message(cite="DL/T 698.45-2017, application layer: APDU")
class Apdu:
    """One APDU. A service that has no layout here is left as octets."""

    service: Service | int = field(Enum(U8, Service), "service")
    body: Any = field(
        Choice(Ref("service"), {int(tag): body for tag, body in _BODIES.items()}, default=Octets(REST)),
        "what the service asks or answers",
    )

    @classmethod
    def of(cls, body: Any) -> "Apdu":
        """The APDU around the body of a service."""
        return cls(_SERVICE_OF[type(body)], body)
