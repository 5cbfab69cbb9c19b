-------------------------------- MODULE Refund --------------------------------
(* The refunds of one payment: who asks for them, the channel, and their door.

   The payment has taken `Captured` units of money, of which `Surplus` are owed back. A refund is of
   one unit. Its number is the key at the channel. As in Payment.tla a callback may come at any time
   after what it tells of, as often as it likes; only of money that came back after it had gone does
   the channel have to tell at least once, since nobody asks about a refund that has ended.
   Left out: the order's ledger of refunds. It only adds up, whatever comes first. *)
EXTENDS Naturals, FiniteSets, Moves

CONSTANTS
    Rows,     \* how many refunds there may be in all
    Tries,    \* how often the same surplus is asked for before a person is called
    Captured,
    Surplus,
    Bounces,  \* may a refund that was done come back?
    Operator, \* may an operator ask for a refund?
    Bug       \* the bug that is planted, or "none"

R == 1..Rows
Idle == <<0, "idle">>
Open == {"requested", "pending"}

VARIABLES
    st,      \* "none", or the refund's status
    by,      \* who asked: "nobody", "relay" (or the watch), "operator"
    reason,  \* "none", "second", "customer"
    sends,   \* claims while it was requested: 0, 1, or 2 for more
    hint,    \* has a callback made an ended one due again?
    there,   \* the channel's truth: "none", "flying" (given up on here, and it may still arrive),
             \* "accepted", "done", "failed", "bounced"
    extra,   \* the channel's truth: did it pay more than once for one row?
    worker   \* what a worker has in its memory alone: a refund, and "claimed" or the answer
rows == <<st, by, reason, sends, hint>>
vars == <<rows, there, extra, worker>>

Init ==
    /\ st = [r \in R |-> "none"] /\ by = [r \in R |-> "nobody"] /\ reason = [r \in R |-> "none"]
    /\ sends = [r \in R |-> 0] /\ hint = [r \in R |-> FALSE]
    /\ there = [r \in R |-> "none"] /\ extra = 0 /\ worker = Idle

Count(S) == Cardinality(S)
Reserved == Count({r \in R : st[r] \in Open \cup {"succeeded"}})       \* refund_total
Refundable == IF Bug = "money_is_not_reserved"
                THEN Captured - Count({r \in R : st[r] = "succeeded"}) ELSE Captured - Reserved
StillOwed == Surplus - Count({r \in R : reason[r] = "second" /\ st[r] # "failed"})
ByRelay == {r \in R : by[r] = "relay"}
IsHere(r) == there[r] \notin {"none", "flying"}

(* ------------------------------------------------------- asking for a refund *)

(* Under the payment's lock: the row, its event, and the reservation of the money. *)
Request(r, who, why) ==
    /\ st[r] = "none" /\ \A q \in 1..(r - 1) : st[q] # "none"
    /\ Refundable > 0
    /\ st' = [st EXCEPT ![r] = "requested"]
    /\ by' = [by EXCEPT ![r] = who] /\ reason' = [reason EXCEPT ![r] = why]
    /\ UNCHANGED <<sends, hint, there, extra, worker>>

(* With the ledger's entry; and by the watch, after one that failed. *)
RequestSurplus(r) ==
    /\ Count(ByRelay) < Tries
    /\ \/ StillOwed > 0 /\ \A q \in ByRelay : st[q] = "failed"
       \/ Bug = "every_asker_makes_a_refund"
    /\ Bug = "failed_is_the_end" => ByRelay = {}
    /\ Request(r, "relay", "second")

(* For the customer; but while surplus is here, it is that which goes back. Once is enough here. *)
RequestByOperator(r) ==
    /\ Operator /\ \A q \in R : by[q] # "operator"
    /\ Request(r, "operator", IF StillOwed > 0 THEN "second" ELSE "customer")

(* ------------------------------------------------------- the loop: claim, ask, settle *)

Claim(r) ==
    /\ worker = Idle /\ (st[r] \in Open \/ hint[r])
    /\ worker' = <<r, "claimed">>
    /\ sends' = [sends EXCEPT ![r] = IF st[r] = "requested" /\ @ < 2 THEN @ + 1 ELSE @]
    /\ UNCHANGED <<st, by, reason, hint, there, extra>>

(* The same number is the same refund: sending it again tells how that one stands. A refusal that
   comes early says nothing: an earlier request may still arrive. `SETTLED_AFTER` allows ten minutes
   for that; here it is known. *)
Send(r) ==
    \/ \E to \in {"accepted", "done"} :
         /\ there' = [there EXCEPT ![r] = IF IsHere(r) THEN @ ELSE to]
         /\ extra' = IF IsHere(r) /\ Bug = "another_number_for_each_try" THEN 1 ELSE extra
         /\ worker' \in {<<r, there'[r]>>, Idle}                 \* the answer may get lost
    \/ /\ ~IsHere(r)
       /\ worker' = IF there[r] = "flying" /\ Bug # "believe_the_refusal_of_a_repeat"
                      THEN Idle ELSE <<r, "refused">>
       /\ UNCHANGED <<there, extra>>
    \/ /\ ~IsHere(r) /\ worker' = Idle /\ there' = [there EXCEPT ![r] = "flying"]
       /\ UNCHANGED extra

(* What may have been sent before is asked about first, and sent again if it is not there. *)
Ask(r) ==
    /\ worker = <<r, "claimed">>
    /\ IF \/ st[r] # "requested"
          \/ sends[r] > 1 /\ IsHere(r) /\ Bug # "another_number_for_each_try"
         THEN worker' = (IF IsHere(r) THEN <<r, there[r]>> ELSE Idle) /\ UNCHANGED <<there, extra>>
         ELSE Send(r)
    /\ UNCHANGED rows

(* The claim of an answer. *)
Means(r, answer) ==
    CASE answer = "accepted" -> IF Bug = "accepted_is_done" THEN "succeeded" ELSE "pending"
      [] answer = "done" -> "succeeded"
      [] answer \in {"failed", "bounced"} -> "failed"
      [] answer = "refused" -> IF st[r] = "requested" THEN "failed" ELSE "nothing"

Judge(r, claim) ==
    LET moves == claim \in RefundMoves[st[r]] /\ (st[r] = "failed" => Refundable > 0)
    IN  st' = [st EXCEPT ![r] = IF moves THEN claim ELSE @]

SettleAnswer(r) ==
    /\ worker[1] = r /\ worker[2] # "claimed"
    /\ Judge(r, Means(r, worker[2]))
    /\ worker' = Idle /\ hint' = [hint EXCEPT ![r] = FALSE]
    /\ UNCHANGED <<by, reason, sends, there, extra>>

(* Whoever dies here leaves a row that is due again when its lease is over. *)
Crash == worker # Idle /\ worker' = Idle /\ UNCHANGED <<rows, there, extra>>

Told(r) == CASE there[r] \in {"none", "flying"} -> {}
             [] there[r] = "accepted" -> {"pending"}
             [] there[r] = "done" -> {"pending", "succeeded"}
             [] there[r] = "failed" -> {"pending", "failed"}
             [] there[r] = "bounced" -> {"pending", "succeeded", "failed"}

(* One that takes an end back may have been overtaken by that end: the channel is asked. *)
Callback(r, claim) ==
    /\ st[r] # "none" /\ claim \in Told(r)
    /\ IF st[r] \notin Open /\ claim \in RefundMoves[st[r]] /\ Bug # "believe_overtaken_callbacks"
         THEN hint' = [hint EXCEPT ![r] = TRUE] /\ UNCHANGED st
         ELSE Judge(r, claim) /\ UNCHANGED hint
    /\ UNCHANGED <<by, reason, sends, there, extra, worker>>

(* ------------------------------------------------------- the channel *)

Becomes(r, from, to) ==
    /\ there[r] = from /\ there' = [there EXCEPT ![r] = to]
    /\ UNCHANGED <<rows, extra, worker>>
Arrives(r) == \E to \in {"none", "accepted"} : Becomes(r, "flying", to)
Ends(r) == \E to \in {"done", "failed"} : Becomes(r, "accepted", to)
Bounce(r) == Bounces /\ Becomes(r, "done", "bounced")
BounceIsTold(r) ==
    there[r] = "bounced" /\ st[r] = "succeeded" /\ ~hint[r] /\ Callback(r, "failed")

(* ------------------------------------------------------- all of it *)

Next ==
    \/ Crash
    \/ \E r \in R :
        \/ RequestSurplus(r) \/ RequestByOperator(r) \/ Claim(r) \/ Ask(r) \/ SettleAnswer(r)
        \/ Arrives(r) \/ Ends(r) \/ Bounce(r)
        \/ \E claim \in Told(r) : Callback(r, claim)

(* Each row has its turn, workers do not die for ever at the same step, and a channel that is asked
   again and again takes the refund at last, or refuses it. *)
Fair ==
    /\ WF_vars(\E r \in R : RequestSurplus(r)) /\ WF_vars(\E r \in R : Ends(r))
    /\ WF_vars(\E r \in R : Arrives(r)) /\ WF_vars(\E r \in R : BounceIsTold(r))
    /\ \A r \in R :
        /\ SF_vars(Claim(r))
        /\ SF_vars(Ask(r) /\ worker' # Idle)
        /\ SF_vars(SettleAnswer(r))
Safe == Init /\ [][Next]_vars
Spec == Safe /\ Fair

(* ------------------------------------------------------- what must hold *)

TypeOK == st \in [R -> {"none"} \cup DOMAIN RefundMoves] /\ extra \in 0..1

Gone == {r \in R : there[r] \in {"accepted", "done"}}
GoneAtMostCaptured == Count(Gone) + extra <= Captured
ReservedAtMostCaptured == Reserved <= Captured
NoRefundOfTheWinner == Count({r \in Gone : reason[r] = "second"}) + extra <= Surplus
DoneIsDone == \A r \in R : st[r] = "succeeded" => there[r] \in {"done", "bounced"}
FailedIsFailed == \A r \in R : st[r] = "failed" => there[r] \in {"none", "failed", "bounced"}

PersonIsCalled == Count(ByRelay) = Tries /\ \A r \in ByRelay : st[r] = "failed"
SurplusGoesBack == []<>(Count({r \in Gone : reason[r] = "second"}) = Surplus \/ PersonIsCalled)
EveryRefundEnds == []<>(\A r \in R : st[r] \notin Open)
RowsLearnTheTruth ==
    <>[](\A r \in R : st[r] # "none" => (st[r] = "succeeded" <=> there[r] = "done"))
==============================================================================
