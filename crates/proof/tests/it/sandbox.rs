//! What hostile programs may not do.
