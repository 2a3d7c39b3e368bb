"""The Abseil symbols that tsan_abseil.cc wraps under the thread sanitizer."""

# Mangled, without the "_Z"; "debian3" is the inline namespace of Debian's Abseil.
_SYMBOLS = [
    "N4absl7debian35Mutex4LockEv",
    "N4absl7debian35Mutex6UnlockEv",
    "N4absl7debian35Mutex7TryLockEv",
    "N4absl7debian35Mutex10ReaderLockEv",
    "N4absl7debian35Mutex12ReaderUnlockEv",
    "N4absl7debian35Mutex5AwaitERKNS0_9ConditionE",
    "N4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE",
    "N4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE",
    "N4absl7debian35Mutex8LockWhenERKNS0_9ConditionE",
    "N4absl7debian37CondVar4WaitEPNS0_5MutexE",
    "N4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE",
    "N4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE",
    "N4absl7debian312Notification6NotifyEv",
    "N4absl7debian312Notification23HasBeenNotifiedInternalEPKSt6atomicIbE",
    "NK4absl7debian312Notification19WaitForNotificationEv",
    "NK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE",
    "N4absl7debian315BlockingCounter14DecrementCountEv",
    "N4absl7debian315BlockingCounter4WaitEv",
]

TSAN_ABSEIL_LINKOPTS = ["-Wl,--wrap=_Z" + symbol for symbol in _SYMBOLS]
