;; Two tables of which neither has more elements than a plugin may have; both of them do.
(module
  (table 20000 funcref)
  (table 20000 funcref))
