"""One file a form of report; `registry` names them."""
