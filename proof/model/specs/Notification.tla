----------------------------- MODULE Notification -----------------------------
(* What one endpoint is told of one order. (Endpoints and orders don't touch each other.)

   The lease of an endpoint is longer than any try takes, so one worker at a time sends to it; one
   that dies leaves the lease to run out. A request whose answer was lost may have been taken. *)
EXTENDS Naturals

CONSTANTS
    Facts,    \* how many facts there are to tell, in this order
    Tries,    \* how often one is sent before it is given up, and kept with an alert
    Refusals, \* how often the receiver refuses or does not answer
    Bug       \* the bug that is planted, or "none"

N == 1..Facts
Nobody == <<0, "nobody">>

VARIABLES
    facts,   \* how many have become true, and are committed
    state,   \* "none", "waiting", "delivered", "failed"
    tries,
    got,     \* has the receiver got it?
    worker,  \* what a worker has in its memory alone: a notification, and its step
    leased,  \* is the endpoint leased?
    refused, \* how often the receiver has refused
    resent,  \* has an operator sent one anew?
    gaveUp   \* those that were given up once: the alert has called a person
vars == <<facts, state, tries, got, worker, leased, refused, resent, gaveUp>>

Init ==
    /\ facts = 0 /\ state = [n \in N |-> "none"] /\ tries = [n \in N |-> 0]
    /\ got = [n \in N |-> FALSE] /\ worker = Nobody /\ leased = FALSE /\ refused = 0
    /\ resent = FALSE /\ gaveUp = {}

(* The row is written in the transaction of the fact. *)
Fact ==
    /\ facts < Facts /\ facts' = facts + 1
    /\ \/ state' = [state EXCEPT ![facts'] = "waiting"]
       \/ Bug = "written_after_the_fact" /\ UNCHANGED state
    /\ UNCHANGED <<tries, got, worker, leased, refused, resent, gaveUp>>

(* Due, and the first of its order that waits. *)
Sendable(n) ==
    /\ state[n] = "waiting"
    /\ Bug = "no_turn" \/ \A m \in 1..(n - 1) : state[m] # "waiting"

Claim(n) ==
    /\ ~leased /\ Sendable(n)
    /\ leased' = TRUE /\ worker' = <<n, "claimed">>
    /\ state' = [state EXCEPT ![n] = IF Bug = "delivered_before_sent" THEN "delivered" ELSE @]
    /\ UNCHANGED <<facts, tries, got, refused, resent, gaveUp>>

Send(n) ==
    /\ worker = <<n, "claimed">>
    /\ \/ /\ got' = [got EXCEPT ![n] = TRUE] /\ worker' = <<n, "taken">> /\ UNCHANGED refused
       \/ /\ refused < Refusals /\ refused' = refused + 1 /\ worker' = <<n, "not taken">>
          /\ got' \in {got, [got EXCEPT ![n] = TRUE]}
    /\ UNCHANGED <<facts, state, tries, leased, resent, gaveUp>>

(* Unless an operator has sent it anew meanwhile: `_as_it_was_claimed`. *)
Record(n) ==
    /\ worker[1] = n /\ worker[2] \in {"taken", "not taken"}
    /\ LET isOver == worker[2] = "taken" \/ Bug = "no_answer_is_delivered"
           isLast == tries[n] + 1 = Tries
       IN  IF state[n] # "waiting" THEN UNCHANGED <<state, tries>>
           ELSE /\ tries' = [tries EXCEPT ![n] = @ + 1]
                /\ state' = [state EXCEPT ![n] = IF isOver THEN "delivered"
                                                 ELSE IF isLast THEN "failed" ELSE @]
    /\ leased' = FALSE /\ worker' = Nobody
    /\ gaveUp' = gaveUp \cup {m \in N : state'[m] = "failed"}
    /\ UNCHANGED <<facts, got, refused, resent>>

Crash == worker # Nobody /\ worker' = Nobody
    /\ UNCHANGED <<facts, state, tries, got, leased, refused, resent, gaveUp>>

LeaseRunsOut == leased /\ worker = Nobody /\ leased' = FALSE
    /\ UNCHANGED <<facts, state, tries, got, worker, refused, resent, gaveUp>>

Resend(n) ==
    /\ ~resent /\ state[n] \in {"delivered", "failed"} /\ resent' = TRUE
    /\ state' = [state EXCEPT ![n] = "waiting"] /\ tries' = [tries EXCEPT ![n] = 0]
    /\ UNCHANGED <<facts, got, worker, leased, refused, gaveUp>>

Next ==
    \/ Fact \/ Crash \/ LeaseRunsOut
    \/ \E n \in N : Claim(n) \/ Send(n) \/ Record(n) \/ Resend(n)
Safe == Init /\ [][Next]_vars
Fair ==
    /\ WF_vars(LeaseRunsOut)
    /\ WF_vars(\E n \in N : Claim(n)) /\ SF_vars(\E n \in N : Send(n))
    /\ SF_vars(\E n \in N : Record(n))
Spec == Safe /\ Fair

TypeOK == facts \in 0..Facts /\ state \in [N -> {"none", "waiting", "delivered", "failed"}]
EveryFactIsWrittenWithItsNotification == \A n \in 1..facts : state[n] # "none"
InTheOrderOfTheFacts == \A n \in N : \A m \in 1..(n - 1) : got[n] => got[m] \/ m \in gaveUp
DeliveredIsDelivered == \A n \in N : state[n] = "delivered" => got[n]
EveryNotificationArrives == []<>(\A n \in 1..facts : got[n] \/ state[n] = "failed")
NoneWaitsForEver == []<>(\A n \in 1..facts : state[n] # "waiting")
==============================================================================
