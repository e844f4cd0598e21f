from zaffre.plugins.local_process.backend import LocalProcessBackend
from zaffre.ports.compute import ComputeBackend
from zaffre.testing.compute_conformance import ComputeConformance


class TestLocalProcess(ComputeConformance):
    def new_backend(self) -> ComputeBackend:
        return LocalProcessBackend()
