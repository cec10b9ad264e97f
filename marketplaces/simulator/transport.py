"""The simulator in the same process, for tests: no socket, and what is later than a caller waits is a timeout."""

from typing import TYPE_CHECKING

import httpx

from marketplaces.simulator.http import HANG_HEADER, IN_PROCESS_HEADER, LATE_HEADER

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
        patience = request.extensions.get("timeout", {}).get("read")
        late_s = float(response.headers.get(LATE_HEADER, 0))
        if HANG_HEADER in response.headers or (patience is not None and late_s > patience):
            response.close()
            raise httpx.ReadTimeout("simulated timeout", request=request)
        return response
