// Words of signing in, of one's own account, and of the pages on accounts.
#pragma once

#include "web/word_table.h"

namespace gw::web {

inline constexpr Word kAccountWords[] = {
    {"sign-in.title", "Sign in", "Accedi", "Anmelden"},
    {"sign-in.name", "Account", "Account", "Konto"},
    {"sign-in.password", "Password", "Password", "Passwort"},
    {"sign-in.do", "Sign in", "Accedi", "Anmelden"},
    {"sign-in.code", "Code of your second factor", "Codice del secondo fattore",
     "Code Ihres zweiten Faktors"},
    {"sign-in.code.help", "Six digits. Leave it empty if your account has none.",
     "Sei cifre. Lascia vuoto se il tuo account non lo prevede.",
     "Sechs Ziffern. Lassen Sie das Feld leer, wenn Ihr Konto keinen hat."},
    {"sign-in.wrong", "Account, password or code is not right.", "Account, password o codice non corretti.",
     "Konto, Passwort oder Code stimmt nicht."},
    {"sign-in.ended", "Your session has ended. Sign in again.", "La sessione è terminata. Accedi di nuovo.",
     "Ihre Sitzung ist zu Ende. Melden Sie sich neu an."},
    {"sign-in.plain", "This connection is not encrypted.", "Questa connessione non è cifrata.",
     "Diese Verbindung ist nicht verschlüsselt."},
    {"sign-out.do", "Sign out", "Esci", "Abmelden"},
};

}  // namespace gw::web
