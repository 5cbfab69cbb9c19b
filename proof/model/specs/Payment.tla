------------------------------- MODULE Payment -------------------------------
(* One order and its payments: the channel, the door, the relay, the order side.

   Left out on purpose, and without loss:
   - Messages. A wake-up, a callback and an answer may each be lost, late, doubled or overtaken. So a
     callback may come at any time after what it tells of, any number of times or never; and who
     consults a payment does so because a wake-up came or because the sweep did. Only the sweep, the
     statement and the relay's beat are fair: everything else may fail to happen for ever.
   - Answers that say nothing ("still open" of a payment in the fog, a stale read, a timeout): they
     change nothing, which is a step that stutters.
   - The names of ends without money. The table treats them alike, as an ASSUME states.
   The table of moves is written from payments.states and orders.states: see Moves.tla. *)
EXTENDS Naturals, FiniteSets, Moves

CONSTANTS
    Attempts,   \* how many payments the order may have, one after the other
    Late,       \* may the channel take money for a payment that it has called closed?
    Further,    \* may it take money twice for one payment?
    Wrong,      \* may it take another amount than was asked for? (and NODROP_MISPAID=refund)
    Cancels,    \* may the shopper cancel?
    Expires,    \* may the order's time be over?
    Overtaking, \* may events of one payment overtake each other on their way to the order?
    Statements, \* does it have statements?
    Bug         \* the bug that is planted, or "none"

ASSUME Moves["failed"] = Moves["closed"] /\ Moves["cancelled"] = Moves["closed"]

A == 1..Attempts
Most == IF Further THEN 2 ELSE 1
NoMoney == Ended \ MoneyCame
Idle == <<0, "idle">>

VARIABLES
    bill,      \* the channel's truth: "none", "open", "closed"
    captured,  \* the channel's truth: how often it took money
    wrong,     \* the channel's truth: was it another amount?
    st,        \* the payment's row: "none" or its status
    ver,       \* ... its version, the number of its last event
    recorded,  \* ... the captures that are known here
    toClose,   \* ... was it asked to be closed?
    worker,    \* what a worker has in its memory alone: a payment, and its step or its answer
    outbox,    \* events that are not relayed: <<payment, seq, status>>
    ord,       \* the order's status
    asked,     \* "no", "close", "cancel": why the order takes no money any more
    over,      \* is its time over?
    att,       \* the order side's attempts
    seen,      \* ... with the number of the last event seen
    ledger,    \* the order side's entry of each payment: "no", "applied", "surplus"
    ledger2,   \* ... and that of its further capture
    fulfil,    \* how often the order was told to be fulfilled
    owed       \* refunds that were asked for: each is a row, which Refund.tla follows to its end
truth == <<bill, captured, wrong>>
row   == <<st, ver, recorded>>
order == <<ord, asked, att, seen, ledger, ledger2, fulfil, owed>>
vars  == <<truth, row, toClose, worker, outbox, order, over>>

Init ==
    /\ bill = [a \in A |-> "none"] /\ captured = [a \in A |-> 0] /\ wrong = [a \in A |-> FALSE]
    /\ st = [a \in A |-> "none"] /\ ver = [a \in A |-> 0] /\ recorded = [a \in A |-> 0]
    /\ toClose = [a \in A |-> FALSE] /\ worker = Idle /\ outbox = {}
    /\ ord = "unpaid" /\ asked = "no" /\ over = FALSE
    /\ att = [a \in A |-> "none"] /\ seen = [a \in A |-> 0]
    /\ ledger = [a \in A |-> "no"] /\ ledger2 = [a \in A |-> "no"]
    /\ fulfil = 0 /\ owed = [a \in A |-> 0]

IsFog(a) == st[a] \in InFog

(* ------------------------------------------------------- the channel and the shopper *)

ShopperPays(a) ==
    /\ captured[a] = 0
    /\ bill[a] = "open" \/ (Late /\ bill[a] = "closed")
    /\ captured' = [captured EXCEPT ![a] = 1]
    /\ \E w \in (IF Wrong THEN BOOLEAN ELSE {FALSE}) : wrong' = [wrong EXCEPT ![a] = w]
    /\ UNCHANGED <<bill, row, toClose, worker, outbox, order, over>>

ChannelTakesAgain(a) ==
    /\ captured[a] \in 1..(Most - 1)
    /\ captured' = [captured EXCEPT ![a] = @ + 1]
    /\ UNCHANGED <<bill, wrong, row, toClose, worker, outbox, order, over>>

(* Refused by the shopper, expired by the channel's own clock, or closed by its staff. *)
ChannelCloses(a) ==
    /\ bill[a] = "open" /\ captured[a] = 0
    /\ bill' = [bill EXCEPT ![a] = "closed"]
    /\ UNCHANGED <<captured, wrong, row, toClose, worker, outbox, order, over>>

TimeIsOver == Expires /\ ~over /\ over' = TRUE
    /\ UNCHANGED <<truth, row, toClose, worker, outbox, order>>

(* ------------------------------------------------------- the door: `settle` *)

(* What the row becomes when `claim` is told, judged against the status `current`. *)
Settle(a, claim, told, current) ==
    LET target == IF claim = "paid" THEN (IF wrong[a] THEN "mispaid" ELSE "succeeded") ELSE claim
        legal == IF Bug = "refuse_late_money" /\ current \in NoMoney THEN {} ELSE Moves[current]
        moves == target \in legal
        isIn == (moves /\ claim = "paid") \/ current \in MoneyCame
        before == IF moves /\ claim = "paid" THEN 1 ELSE recorded[a]
        again == claim = "paid" /\ isIn /\ told > before
        next == ver[a] + 1
    IN  /\ st' = [st EXCEPT ![a] = IF moves THEN target ELSE @]
        /\ recorded' = [recorded EXCEPT ![a] = IF again THEN told ELSE before]
        /\ ver' = [ver EXCEPT ![a] = @ + (IF moves THEN 1 ELSE 0) + (IF again THEN 1 ELSE 0)]
        /\ outbox' = outbox
             \cup (IF moves THEN {<<a, next, target>>} ELSE {})
             \cup (IF again THEN {<<a, IF moves THEN next + 1 ELSE next, "further">>} ELSE {})

(* What a callback may say: anything that was true once. It may be as late as it likes. *)
Callback(a) ==
    /\ st[a] # "none"
    /\ \/ \E told \in 1..captured[a] : Settle(a, "paid", told, st[a])
       \/ bill[a] = "closed" /\ Settle(a, "closed", 0, st[a])
       \/ Bug = "believe_forged_callbacks" /\ Settle(a, "paid", 1, st[a])
    /\ UNCHANGED <<truth, toClose, worker, order, over>>

Statement(a) ==
    /\ Statements /\ captured[a] > recorded[a]
    /\ Settle(a, "paid", captured[a], st[a])
    /\ UNCHANGED <<truth, toClose, worker, order, over>>

(* ------------------------------------------------------- starting a payment *)

(* The row, its event and the order's attempt: one transaction, before the channel is called. *)
Open(a) ==
    /\ st[a] = "none" /\ \A b \in 1..(a - 1) : st[b] # "none"
    /\ Bug = "pay_again_without_closing" \/ \A b \in A : ~IsFog(b)
    /\ \A b \in A : st[b] \notin MoneyCame \/ (st[b] = "mispaid" /\ owed[b] = recorded[b])
    /\ ord \in WantsMoney /\ asked = "no" /\ ~over
    /\ st' = [st EXCEPT ![a] = "created"] /\ ver' = [ver EXCEPT ![a] = 1]
    /\ att' = [att EXCEPT ![a] = "open"] /\ seen' = [seen EXCEPT ![a] = 1] /\ ord' = "paying"
    /\ UNCHANGED <<truth, recorded, toClose, worker, outbox, asked, ledger, ledger2, fulfil, owed, over>>

(* The channel has it. The answer may be lost, and so may we. *)
Create(a) ==
    /\ st[a] = "created" /\ bill[a] = "none" /\ ~over
    /\ bill' = [bill EXCEPT ![a] = "open"]
    /\ \/ Settle(a, "paying", 0, st[a])
       \/ UNCHANGED <<row, outbox>>
       \/ Bug = "timeout_is_failed" /\ Settle(a, "failed", 0, st[a])
    /\ UNCHANGED <<captured, wrong, toClose, worker, order, over>>

(* A refusal, or a call that reached nobody: there will never be a bill. *)
NeverReached(a) ==
    /\ st[a] = "created" /\ bill[a] = "none"
    /\ bill' = [bill EXCEPT ![a] = "closed"]
    /\ Settle(a, "failed", 0, st[a])
    /\ UNCHANGED <<captured, wrong, toClose, worker, order, over>>

(* ------------------------------------------------------- consulting, and closing at the channel *)

(* The shopper pays elsewhere, or the order is to end: from now on each consult closes. *)
AskToClose(a) ==
    /\ IsFog(a) /\ ~toClose[a]
    /\ IF asked = "no" THEN a < Attempts ELSE ord \in WantsMoney
    /\ toClose' = [toClose EXCEPT ![a] = TRUE]
    /\ UNCHANGED <<truth, row, worker, outbox, order, over>>

(* What the channel says now. A payment that it can't find is closed once it promises so, which is
   long after its end; nobody creates it then. *)
Says(a) ==
    IF captured[a] > 0 THEN "paid"
    ELSE IF bill[a] = "open" THEN "paying"
    ELSE IF bill[a] = "none" /\ ~over THEN "not_found"
    ELSE "closed"

Query(a) ==
    /\ worker = Idle /\ IsFog(a)
    /\ worker' = IF toClose[a] /\ bill[a] # "closed" /\ captured[a] = 0
                   THEN <<a, "close">> ELSE <<a, Says(a)>>
    /\ worker'[2] \in {"paid", "closed", "close"} \/ (st[a] = "created" /\ worker'[2] = "paying")
    /\ UNCHANGED <<truth, row, toClose, outbox, order, over>>

(* It may say yes although the shopper pays in that moment; "busy" and a lost answer are crashes. *)
Close(a) ==
    /\ worker = <<a, "close">>
    /\ bill' = [bill EXCEPT ![a] = IF @ = "open" /\ captured[a] = 0 THEN "closed" ELSE @]
    /\ worker' = <<a, IF Bug = "believe_the_answer_to_close" THEN "closed" ELSE "ask_again">>
    /\ UNCHANGED <<captured, wrong, row, toClose, outbox, order, over>>

QueryAgain(a) ==
    /\ worker = <<a, "ask_again">>
    /\ worker' = IF Says(a) \in {"paid", "closed"} THEN <<a, Says(a)>> ELSE Idle
    /\ UNCHANGED <<truth, row, toClose, outbox, order, over>>

SettleAnswer(a) ==
    /\ worker[1] = a /\ worker[2] \notin {"close", "ask_again"}
    /\ \E told \in (IF worker[2] = "paid" THEN 1..captured[a] ELSE {0}) :
         Settle(a, worker[2], told, IF Bug = "settle_without_lock"
                                      THEN "paying" ELSE st[a])
    /\ worker' = Idle
    /\ UNCHANGED <<truth, toClose, order, over>>

(* Whoever dies here leaves a row that is due again when its lease is over. *)
Crash == worker # Idle /\ worker' = Idle
    /\ UNCHANGED <<truth, row, toClose, outbox, order, over>>

LocalExpiry(a) ==
    /\ Bug = "expire_without_asking" /\ over /\ IsFog(a)
    /\ Settle(a, "closed", 0, st[a])
    /\ UNCHANGED <<truth, toClose, worker, order, over>>

(* ------------------------------------------------------- the order side *)

(* `conclude`: the status follows from what is known. *)
Conclude(attempts, why, fulfilled) ==
    LET wants == ord \in WantsMoney /\ fulfilled = 0 IN
    ord' = IF wants /\ \E a \in A : attempts[a] = "open" THEN "paying"
           ELSE IF wants /\ why = "no" THEN "unpaid"
           ELSE IF fulfilled > 0 THEN "paid"
           ELSE IF why = "cancel" THEN "cancelled" ELSE "closed"

Cancel ==
    /\ Cancels /\ ord \in WantsMoney /\ asked # "cancel"
    /\ asked' = "cancel" /\ Conclude(att, "cancel", fulfil)
    /\ UNCHANGED <<truth, row, toClose, worker, outbox, att, seen, ledger, ledger2, fulfil, owed, over>>

BeginClosing ==
    /\ over /\ ord \in WantsMoney /\ asked = "no"
    /\ asked' = "close" /\ Conclude(att, "close", fulfil)
    /\ UNCHANGED <<truth, row, toClose, worker, outbox, att, seen, ledger, ledger2, fulfil, owed, over>>

(* An event without money: the newest one counts. *)
TellAttempt(a, seq, status) ==
    LET isNew == seq > seen[a] \/ Bug = "believe_old_events"
        attempts == [att EXCEPT ![a] = IF isNew THEN status ELSE @]
    IN  /\ att' = attempts /\ seen' = [seen EXCEPT ![a] = IF isNew THEN seq ELSE @]
        /\ IF attempts # att THEN Conclude(attempts, asked, fulfil) ELSE ord' = ord
        /\ UNCHANGED <<asked, ledger, ledger2, fulfil, owed, toClose>>

(* Money: it pays the order, or its refund is asked for in the same transaction. A closed order is
   revived where its goods can still be had, which nobody knows before. *)
TellMoney(a, seq) ==
    LET attempts == [att EXCEPT ![a] = IF seq > seen[a] THEN "received" ELSE @]
        pays == ~wrong[a] /\ ord \in WantsMoney
        revives == ~wrong[a] /\ ord = "closed"
        known == ledger[a] # "no" /\ Bug # "no_deduplication"
        goesBack == Bug # "no_refund_of_surplus"
    IN  /\ att' = attempts /\ seen' = [seen EXCEPT ![a] = IF seq > @ THEN seq ELSE @]
        /\ IF known
             THEN UNCHANGED <<ord, ledger, fulfil, owed, toClose>>
             ELSE \/ /\ pays \/ revives
                     /\ ledger' = [ledger EXCEPT ![a] = "applied"]
                     /\ fulfil' = fulfil + 1 /\ Conclude(attempts, asked, fulfil + 1)
                     /\ toClose' = [b \in A |-> toClose[b] \/ IsFog(b)]
                     /\ UNCHANGED owed
                  \/ /\ ~pays
                     /\ ledger' = [ledger EXCEPT ![a] = IF @ = "no" THEN "surplus" ELSE @]
                     /\ owed' = [owed EXCEPT ![a] = @ + (IF goesBack THEN 1 ELSE 0)]
                     /\ Conclude(attempts, asked, fulfil)
                     /\ UNCHANGED <<fulfil, toClose>>
        /\ UNCHANGED <<asked, ledger2>>

TellFurther(a, seq) ==
    LET attempts == [att EXCEPT ![a] = IF seq > seen[a] THEN "received" ELSE @] IN
    /\ att' = attempts /\ seen' = [seen EXCEPT ![a] = IF seq > @ THEN seq ELSE @]
    /\ IF ledger2[a] # "no"
         THEN UNCHANGED <<ord, ledger2, owed>>
         ELSE /\ ledger2' = [ledger2 EXCEPT ![a] = "surplus"]
              /\ owed' = [owed EXCEPT ![a] = @ + 1]
              /\ Conclude(attempts, asked, fulfil)
    /\ UNCHANGED <<asked, ledger, fulfil, toClose>>

Tell(e) ==
    \/ e[3] \in MoneyCame /\ TellMoney(e[1], e[2])
    \/ e[3] = "further" /\ TellFurther(e[1], e[2])
    \/ e[3] \in InFog /\ TellAttempt(e[1], e[2], "open")
    \/ e[3] \in NoMoney /\ TellAttempt(e[1], e[2], "over")

(* ------------------------------------------------------- the relay *)

(* Confirmed and told in one transaction: a crash undoes both. In any order: a failure postpones. *)
HandOver(e) ==
    /\ e \in outbox /\ outbox' = outbox \ {e}
    /\ Overtaking \/ \A other \in outbox : other[1] = e[1] => other[2] >= e[2]
    /\ \/ Tell(e)
       \/ Bug = "confirm_before_telling" /\ UNCHANGED <<order, toClose>>
    /\ UNCHANGED <<truth, row, worker, over>>

(* The inside watch, an operator, another release: money that was told may be told again. *)
TellAgain(a) ==
    /\ st[a] \in MoneyCame
    /\ TellMoney(a, ver[a] + 1 - recorded[a])
    /\ UNCHANGED <<truth, row, worker, outbox, over>>

(* Told from inside a transaction that is then undone. *)
TellTooEarly(a) ==
    /\ Bug = "tell_before_commit" /\ worker = <<a, "paid">> /\ IsFog(a)
    /\ TellMoney(a, ver[a] + 1) /\ worker' = Idle
    /\ UNCHANGED <<truth, row, outbox, over>>

(* ------------------------------------------------------- all of it *)

Relay == \E e \in outbox : HandOver(e)
Consult == \E a \in A : Query(a) \/ Close(a) \/ QueryAgain(a)
Next ==
    \/ TimeIsOver \/ Cancel \/ BeginClosing \/ Crash \/ Relay \/ Consult
    \/ \E a \in A :
        \/ ShopperPays(a) \/ ChannelTakesAgain(a) \/ ChannelCloses(a)
        \/ Callback(a) \/ Statement(a) \/ Open(a) \/ Create(a) \/ NeverReached(a)
        \/ AskToClose(a) \/ SettleAnswer(a) \/ LocalExpiry(a)
        \/ TellAgain(a) \/ TellTooEarly(a)

(* What goes on for ever, if only now and then: the sweep and its workers (which do not die for ever
   at the same step), the relay, the closing of orders, the import of statements, the refunds. *)
Fair ==
    /\ Bug = "no_sweep" \/ WF_vars(Consult)
    /\ SF_vars(\E a \in A : Close(a)) /\ SF_vars(\E a \in A : QueryAgain(a))
    /\ SF_vars(\E a \in A : SettleAnswer(a))
    /\ WF_vars(TimeIsOver) /\ WF_vars(Relay) /\ WF_vars(BeginClosing)
    /\ WF_vars(\E a \in A : asked # "no" /\ AskToClose(a))
    /\ WF_vars(\E a \in A : Statement(a))
Safe == Init /\ [][Next]_vars
Spec == Safe /\ Fair

(* ------------------------------------------------------- what must hold *)

Status == {"none"} \cup InFog \cup Ended
TypeOK ==
    /\ st \in [A -> Status] /\ ord \in OrderStatus
    /\ captured \in [A -> 0..Most] /\ recorded \in [A -> 0..Most]

FulfilledAtMostOnce == fulfil <= 1

NoFreeGoods ==
    fulfil > 0 => \E a \in A : ledger[a] = "applied" /\ ~wrong[a] /\ captured[a] > owed[a]

Truthful == \A a \in A :
    /\ st[a] = "succeeded" => captured[a] > 0 /\ ~wrong[a]
    /\ recorded[a] <= captured[a]

ClosedOnlyByTheChannelsWord == \A a \in A :
    st[a] \in NoMoney => bill[a] = "closed" \/ (bill[a] = "none" /\ over)

OrderEndsAfterItsPayments ==
    ord \in {"closed", "cancelled"} => \A a \in A : ~IsFog(a)

OneInTheFog == Cardinality({a \in A : IsFog(a)}) <= 1

OrderKnowsOnlyWhatIsCommitted == \A a \in A : ledger[a] # "no" => st[a] \in MoneyCame

RefundAtMostCaptured == \A a \in A : owed[a] <= recorded[a]

NoRefundOfTheWinner == \A a \in A : ledger[a] = "applied" => owed[a] < captured[a]

StickyTruth == [][\A a \in A : st[a] \in MoneyCame => st'[a] = st[a]]_vars

(* Captures, events and closings are few, so "infinitely often none is left" says that each one ends. *)
Settled(a) == owed[a] + (IF ledger[a] = "applied" THEN 1 ELSE 0)
NoDrop == []<>(\A a \in A : Settled(a) >= captured[a])
EveryEventIsConsumed == []<>(\A a \in A : seen[a] >= ver[a])
EveryClosingEnds == []<>(asked = "no" \/ ord \notin WantsMoney)
==============================================================================
