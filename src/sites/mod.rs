//! Pages of official school sites → facts.
