------------------------------ MODULE Moves ------------------------------
(* Written by proof/model/moves.py. *)
InFog == {"created", "paying"}
Ended == {"cancelled", "closed", "failed", "mispaid", "succeeded"}
MoneyCame == {"mispaid", "succeeded"}
Moves == [
    cancelled |-> {"mispaid", "succeeded"},
    closed |-> {"mispaid", "succeeded"},
    created |-> {"cancelled", "closed", "failed", "mispaid", "paying", "succeeded"},
    failed |-> {"mispaid", "succeeded"},
    mispaid |-> {},
    paying |-> {"cancelled", "closed", "failed", "mispaid", "succeeded"},
    succeeded |-> {}]
RefundMoves == [
    failed |-> {"succeeded"},
    pending |-> {"failed", "succeeded"},
    requested |-> {"failed", "pending", "succeeded"},
    succeeded |-> {"failed"}]
OrderStatus == {"cancelled", "closed", "paid", "paying", "refunded", "unpaid"}
WantsMoney == {"paying", "unpaid"}
==========================================================================
