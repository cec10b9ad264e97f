"""The simulator in the same process, for tests: no socket, and a hanging answer is a timeout at once."""

from typing import TYPE_CHECKING

import httpx

from marketplaces.simulator.http import HANG_HEADER, IN_PROCESS_HEADER

if TYPE_CHECKING:
    from marketplaces.simulator.app import Simulator


class SimulatorTransport(httpx.BaseTransport):
    """An httpx transport to a simulator; raises httpx.ReadTimeout where the simulator lets the caller wait."""

    def __init__(self, simulator: "Simulator") -> None:
        self.simulator = simulator
        self._inner = httpx.WSGITransport(app=simulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        request.headers[IN_PROCESS_HEADER] = "1"
        response = self._inner.handle_request(request)
        if HANG_HEADER in response.headers:
            response.close()
            raise httpx.ReadTimeout("simulated timeout", request=request)
        return response
