"""What a process of the service takes of its machine."""

import multiprocessing
import time

import psutil

from app.telemetry import metrics


class ProcessUse:
    """Counts this process's processor time and memory."""

    def __init__(self) -> None:
        """Counts processor time from the start of the process."""
        name = multiprocessing.current_process().name
        self._process = psutil.Process()
        self._cpu = metrics.CPU_SECONDS.labels(name)
        self._resident = metrics.RESIDENT_BYTES.labels(name)
        self._counted_s = 0.0

    def sample(self) -> None:
        """Bring the metrics up to date."""
        used_s = time.process_time()
        self._cpu.inc(used_s - self._counted_s)
        self._counted_s = used_s
        self._resident.set(self._process.memory_info().rss)
