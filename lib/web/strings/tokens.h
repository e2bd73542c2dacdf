// Texts of the pages on API tokens. word_table.h explains the columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kTokenWords[] = {
    {"tokens.title", "API tokens", "Token API", "API-Token"},
    {"tokens.text",
     "A program shows a token instead of signing in: Authorization: Bearer gw_… What it may do is described "
     "at "
     "/api/v1/openapi.json.",
     "Un programma mostra un token invece di accedere: Authorization: Bearer gw_… Cosa può fare è descritto "
     "in "
     "/api/v1/openapi.json.",
     "Ein Programm zeigt ein Token, statt sich anzumelden: Authorization: Bearer gw_… Was es kann, steht in "
     "/api/v1/openapi.json."},
    {"tokens.none", "There is no token yet. Make one for each program, so that each can be revoked alone.",
     "Non c'è ancora nessun token. Creane uno per ogni programma, così ciascuno si può revocare da solo.",
     "Es gibt noch kein Token. Machen Sie für jedes Programm eines, dann lässt sich jedes einzeln "
     "widerrufen."},
    {"token.new", "Make a token", "Crea un token", "Token anlegen"},
    {"token.name", "Name", "Nome", "Name"},
    {"token.name.help", "a-z, 0-9, and . _ -; at most 64. Histories name it.",
     "a-z, 0-9 e . _ -; al massimo 64. Compare nelle cronologie.",
     "a-z, 0-9 und . _ -; höchstens 64. Verläufe nennen ihn."},
    {"token.scope", "Scope", "Ambito", "Berechtigung"},
    {"token.scope.metrics", "metrics: only /metrics, for Prometheus and the like",
     "metrics: solo /metrics, per Prometheus e simili",
     "metrics: nur /metrics, für Prometheus und dergleichen"},
    {"token.scope.read", "read: looks", "read: sola lettura", "read: nur ansehen"},
    {"token.scope.operate", "operate: also works on mailboxes, messages and routes",
     "operate: lavora anche su caselle, messaggi e percorsi",
     "operate: arbeitet auch an Postfächern, Nachrichten und Routen"},
    {"token.scope.administer", "administer: also on tokens and accounts",
     "administer: anche su token e account", "administer: auch an Token und Konten"},
    {"token.only", "Only these mailboxes and routes", "Solo queste caselle e percorsi",
     "Nur diese Postfächer und Routen"},
    {"token.names", "Names", "Nomi", "Namen"},
    {"token.only.help", "One pattern on a line, as acme-*. Empty: all.",
     "Un modello per riga, ad esempio acme-*. Vuoto: tutti.",
     "Je Zeile ein Muster, etwa acme-*. Leer: alle."},
    {"token.days", "Days until it ends", "Giorni di validità", "Tage bis zum Ende"},
    {"token.days.help", "Empty: it never ends.", "Vuoto: senza scadenza.", "Leer: ohne Ende."},
    {"token.days.wrong", "Not a number of days from 1 to 3650.", "Non è un numero di giorni da 1 a 3650.",
     "Keine Zahl von Tagen von 1 bis 3650."},
    {"token.created", "Made", "Creato", "Angelegt"},
    {"token.expires", "Ends", "Scade", "Endet"},
    {"token.expired", "ended", "scaduto", "abgelaufen"},
    {"token.by", "By", "Da", "Von"},
    {"token.revoke", "Revoke", "Revoca", "Widerrufen"},
    {"token.revoke.title", "Revoke {name}?", "Revocare {name}?", "{name} widerrufen?"},
    {"token.revoke.text", "The program that shows it is refused from now on.",
     "Il programma che lo mostra sarà rifiutato da subito.",
     "Das Programm, das es zeigt, wird von nun an abgewiesen."},
    {"token.made", "Token {name}", "Token {name}", "Token {name}"},
    {"token.all", "all", "tutti", "alle"},
    {"notice.token-made", "The token is in force.", "Il token è valido.", "Das Token gilt."},
    {"notice.token-revoked", "The token was revoked.", "Il token è stato revocato.",
     "Das Token wurde widerrufen."},
};

}  // namespace gw::web
