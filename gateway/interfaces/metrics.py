"""Metrics: what was answered and refused, and how the installation is, for a monitoring program to read at /metrics.

They name nobody. A label is a name of our own code, from a closed list; nothing that came in is ever one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from gateway.domain.alerts import Refused, watched
from gateway.domain.catalogue import Code
from gateway.domain.gauges import Gauge, Reading
from gateway.domain.mandate import Operation
from gateway.domain.operations import Service
from gateway.interfaces.http import HttpAnswer, HttpRequest

Readings = Callable[[], Iterable[Reading]]

# A letter takes some hundredths of a second, and the slowest body `server.body_seconds`, 60 unless set.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What one installation counts, since its process began; a registry of its own, so that nothing else is in it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._unverified = Counter(
            Refused.UNVERIFIED.value,
            "Requests refused before their message signature was verified; nothing of them is stored.",
            ("service", "code"),
            registry=self._registry,
        )
        self._refused = Counter(
            Refused.SIGNED.value,
            "Requests refused with a signed fault.",
            ("service", "code"),
            registry=self._registry,
        )
        self._answered = Counter(
            "bropost_answered",
            "Requests that were done and answered.",
            ("service", "operation"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "bropost_request_seconds",
            "Seconds from a whole request to its whole answer, refusals included.",
            ("service",),
            registry=self._registry,
            buckets=SECONDS,
        )
        self._failed = Counter(
            "bropost_worker_failed",
            "Duties of the worker that failed; each is tried again.",
            ("duty",),
            registry=self._registry,
        )
        # A counter that is not there before it counts has not risen, as Prometheus sees it, when it counts first.
        for counter, of in ((self._refused, Refused.SIGNED), (self._unverified, Refused.UNVERIFIED)):
            for service, code in product(Service, sorted(watched()[of], key=lambda code: code.name)):
                counter.labels(service.value, code.name)
        for service in Service:
            self._seconds.labels(service.value)

    def watch(self, readings: Readings) -> None:
        """Show these too, measured whenever somebody reads."""
        self._registry.register(_Measured(readings))

    def worker_begins(self, duties: Iterable[str]) -> None:
        """Watch a worker with these duties."""
        for duty in duties:
            self._failed.labels(duty)

    def worker_failed(self, duty: str) -> None:
        """Count a duty that failed."""
        self._failed.labels(duty).inc()

    def refused_unverified(self, service: Service, code: Code) -> None:
        """Count a refusal of a message that nobody vouches for."""
        self._unverified.labels(service.value, code.name).inc()

    def refused(self, service: Service, code: Code) -> None:
        """Count a refusal of a message whose signature held."""
        self._refused.labels(service.value, code.name).inc()

    def answered(self, service: Service, operation: Operation) -> None:
        """Count an answer."""
        self._answered.labels(service.value, operation.value).inc()

    @contextmanager
    def timed(self, service: Service) -> Generator[None]:
        """Measure the block as one request."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._seconds.labels(service.value).observe(time.perf_counter() - begin)

    def exposition(self) -> bytes:
        """Return everything counted and measured, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Measured(Collector):
    """Readings as Prometheus takes them."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Measure, and give each gauge with its readings; one without any is not there."""
        found: dict[Gauge, GaugeMetricFamily] = {}
        for reading in self._readings():
            row = reading.gauge.value
            labels = () if row.label is None else (row.label,)
            if reading.gauge not in found:
                found[reading.gauge] = GaugeMetricFamily(row.name, row.help, labels=labels)
            found[reading.gauge].add_metric([reading.of for _ in labels], reading.value)
        yield from found.values()


@dataclass(frozen=True)
class MetricsPage:
    """The page /metrics, for programs at the addresses `readers`; for everybody else there is no such page.

    The codes tell why messages were not trusted, which the senders of these must not learn.
    """

    metrics: Metrics
    readers: Sequence[IPv4Network | IPv6Network]

    def serve(self, request: HttpRequest) -> HttpAnswer:
        """Answer with the metrics, or as for a path that is not there."""
        if not self._may_read(request.peer):
            return HttpAnswer(404, "text/plain; charset=utf-8", b"Not Found.\n")
        return HttpAnswer(200, CONTENT_TYPE_PLAIN_0_0_4, self.metrics.exposition())

    def _may_read(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # how a listener for both versions shows an IPv4 peer
        return any((mapped or address) in network for network in self.readers)
