// Texts of the pages on API tokens. string_table.h explains the columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kTokenWords[] = {
    {"tokens.title", "API tokens", "Token API", "API-Token"},
    {"tokens.text",
     "A program authenticates with a token instead of a name and password: Authorization: Bearer gw_… The "
     "API is described at /api/v1/openapi.json.",
     "Un programma usa un token al posto di nome e password: Authorization: Bearer gw_… L'API è descritta in "
     "/api/v1/openapi.json.",
     "Ein Programm weist sich mit einem Token statt mit Name und Passwort aus: Authorization: Bearer gw_… "
     "Die API ist unter /api/v1/openapi.json beschrieben."},
    {"tokens.none",
     "There is no token yet. Create one for each program, so that each can be revoked separately.",
     "Non c'è ancora nessun token. Creane uno per ogni programma, così da poterli revocare separatamente.",
     "Es gibt noch kein Token. Legen Sie für jedes Programm ein eigenes an, damit sich jedes einzeln "
     "widerrufen lässt."},
    {"token.new", "Create a token", "Crea un token", "Token anlegen"},
    {"token.name", "Name", "Nome", "Name"},
    {"token.name.help", "a-z, 0-9, and . _ -; at most 64 characters. The name appears in histories.",
     "a-z, 0-9 e . _ -; al massimo 64 caratteri. Il nome compare nelle cronologie.",
     "a-z, 0-9 und . _ -; höchstens 64 Zeichen. Der Name erscheint in Verläufen."},
    {"token.scope", "Scope", "Ambito", "Berechtigung"},
    {"token.scope.metrics", "metrics: only /metrics, for Prometheus and similar programs",
     "metrics: solo /metrics, per Prometheus e programmi simili",
     "metrics: nur /metrics, für Prometheus und ähnliche Programme"},
    {"token.scope.read", "read: can only look", "read: sola lettura", "read: nur ansehen"},
    {"token.scope.operate", "operate: also manages mailboxes, messages and routes",
     "operate: gestisce anche caselle, messaggi e percorsi",
     "operate: verwaltet auch Postfächer, Nachrichten und Routen"},
    {"token.scope.administer", "administer: also manages tokens and accounts",
     "administer: gestisce anche token e account", "administer: verwaltet auch Token und Konten"},
    {"token.only", "Only these mailboxes and routes", "Solo queste caselle e percorsi",
     "Nur diese Postfächer und Routen"},
    {"token.names", "Names", "Nomi", "Namen"},
    {"token.only.help", "One pattern per line, such as acme-*. Empty: all.",
     "Un modello per riga, per esempio acme-*. Vuoto: tutti.",
     "Je Zeile ein Muster, z.\u00a0B. acme-*. Leer: alle."},
    {"token.wrong.name", "“{value}” is not a valid name.", "«{value}» non è un nome valido.",
     "„{value}“ ist kein gültiger Name."},
    {"token.wrong.taken", "A token of this name exists already.", "Esiste già un token con questo nome.",
     "Es gibt bereits ein Token mit diesem Namen."},
    {"token.wrong.only", "Patterns consist of lower-case letters, digits, . _ - and *.",
     "I modelli contengono solo lettere minuscole, cifre, . _ - e *.",
     "Muster bestehen nur aus Kleinbuchstaben, Ziffern, . _ - und *."},
    {"token.days", "Valid for (days)", "Giorni di validità", "Gültigkeit in Tagen"},
    {"token.days.help", "Empty: it never expires.", "Vuoto: senza scadenza.", "Leer: unbegrenzt gültig."},
    {"token.days.wrong", "From 1 to 3650 days.", "Da 1 a 3650 giorni.", "1 bis 3650 Tage."},
    {"token.created", "Created", "Creato", "Angelegt"},
    {"token.expires", "Expires", "Scadenza", "Läuft ab"},
    {"token.expired", "expired", "scaduto", "abgelaufen"},
    {"token.by", "Created by", "Creato da", "Angelegt von"},
    {"token.revoke", "Revoke", "Revoca", "Widerrufen"},
    {"token.revoke.title", "Revoke {name}?", "Revocare {name}?", "{name} widerrufen?"},
    {"token.revoke.text", "The program that uses it will be refused immediately.",
     "Il programma che lo usa sarà rifiutato da subito.",
     "Das Programm, das es verwendet, wird ab sofort abgewiesen."},
    {"token.made", "Token {name}", "Token {name}", "Token {name}"},
    {"token.all", "all", "tutti", "alle"},
    {"notice.token-made", "The token is valid.", "Il token è valido.", "Das Token ist gültig."},
    {"notice.token-revoked", "The token was revoked.", "Il token è stato revocato.",
     "Das Token wurde widerrufen."},
};

}  // namespace gw::web
