"""Callbacks: what is believed, what is kept, and what is answered."""

from proof.mutants.mutant import Edit, Mutant, mutant

_CALLBACKS = "payments/services/callbacks.py"
_TESTS = "tests/payments/test_callbacks.py"

BANK: tuple[Mutant, ...] = (
    mutant(
        "the signature is not checked",
        "payments/channels/sandbox/signature.py",
        "    if not any(hmac.compare_digest(want, offer) for want in wanted for offer in offered):\n"
        "        raise BadSignature\n",
        "",
        "tests/payments/channels/test_sandbox_callbacks.py",
    ),
    mutant(
        "callbacks are not deduplicated",
        _CALLBACKS,
        "    for key in (event_id[:95], f",
        "    import secrets\n\n    event_id = secrets.token_hex(8)\n"
        "    for key in (event_id[:95], f",
        _TESTS,
    ),
    mutant(
        "other content under a known event id is taken for a repeat",
        _CALLBACKS,
        "        if hashlib.sha256(bytes(evidence.body)).hexdigest() == digest:\n            break\n",
        "        break\n",
        _TESTS,
    ),
    mutant(
        "a callback that could not be settled is answered 2xx",
        "payments/views.py",
        "        return _answer(str(error.__doc__), 500)\n",
        '        return HttpResponse("success")\n',
        _TESTS,
    ),
    mutant(
        "a failure to settle is swallowed",
        _CALLBACKS,
        "        _mark_failed(evidence, error)\n        return error\n",
        "        return None\n",
        _TESTS,
    ),
    mutant(
        "a failure to settle takes the stored callback with it",
        _CALLBACKS,
        '        reach("callback.judged")\n',
        '        reach("callback.judged")\n'
        "        if failure:\n            raise CallbackNotSettled from failure\n",
        _TESTS,
    ),
    mutant(
        "a repeat of a failed callback is not judged again",
        _CALLBACKS,
        "frozenset({Verdict.PENDING, Verdict.FAILED, Verdict.ORPHAN, Verdict.CONTRADICTS})",
        "frozenset({Verdict.PENDING, Verdict.ORPHAN, Verdict.CONTRADICTS})",
        _TESTS,
    ),
    Mutant(
        "the answer goes out before the commit",
        (
            Edit(
                "payments/views.py",
                "        ack = services.receive_callback(\n"
                "            channel=channel, headers=headers, body=body, now=timezone.now()\n"
                "        )\n",
                "        from threading import Thread\n\n        from django.db import connection\n\n"
                "        from payments.channels.base import Ack\n"
                "        from payments.channels.registry import get_channel\n\n"
                "        now = timezone.now()\n"
                "        get_channel(channel).parse_callback(headers=headers, body=body, now=now)\n\n"
                "        def settle_later():\n"
                "            services.receive_callback(\n"
                "                channel=channel, headers=headers, body=body, now=now\n"
                "            )\n"
                "            connection.close()\n\n"
                "        thread = Thread(target=settle_later)\n"
                "        thread.start()\n        thread.join(0.001)\n"
                '        ack = Ack(body="success")\n',
            ),
        ),
        (_TESTS,),
    ),
)
