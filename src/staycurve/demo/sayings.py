"""What customers of the example company write and say, by theme and in their languages."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "de", "fr", "es")
"""In this order each saying stands."""
SPOKEN: Final = {"DE": "de", "FR": "fr", "ES": "es"}
"""Country → the language in which some of its people write."""
OWN_SHARE: Final = 0.6
"""The share of comments from there that are in it."""

Saying = tuple[str, str, str, str]

PRICE: Final[tuple[Saying, ...]] = (
    ("The price is hard to defend for a team of our size.",
     "Der Preis ist für ein Team unserer Größe schwer zu rechtfertigen.",
     "Le prix est difficile à défendre pour une équipe de notre taille.",
     "El precio es difícil de justificar para un equipo como el nuestro."),
    ("We pay for seats that nobody uses.",
     "Wir bezahlen für Plätze, die niemand braucht: das ist zu teuer.",
     "Nous payons des licences que personne n'utilise, c'est trop cher.",
     "Pagamos licencias que nadie usa, es demasiado caro."),
    ("Renewal came in higher than we budgeted.",
     "Die Verlängerung war teurer als unser Budget.",
     "Le renouvellement dépasse notre budget.",
     "La renovación costó más que nuestro presupuesto."),
    ("Good product, but it costs too much for what we need.",
     "Gutes Produkt, aber für das, was wir brauchen, kostet es zu viel.",
     "Bon produit, mais trop cher pour ce dont nous avons besoin.",
     "Buen producto, pero demasiado caro para lo que necesitamos."),
)
MISSING: Final[tuple[Saying, ...]] = (
    ("We need better reporting across projects.",
     "Wir brauchen bessere Auswertungen über mehrere Projekte.",
     "Il nous faut de meilleurs rapports entre projets.",
     "Necesitamos mejores informes entre proyectos."),
    ("There is no offline mode on mobile.",
     "Auf dem Handy gibt es keinen Offline-Modus.",
     "Il n'y a pas de mode hors ligne sur mobile.",
     "No hay modo sin conexión en el móvil."),
    ("Custom fields are too limited for us.",
     "Eigene Felder fehlen uns.",
     "Il manque des champs personnalisés.",
     "Faltan campos personalizados."),
    ("I miss a real calendar view.",
     "Mir fehlt eine richtige Kalenderansicht.",
     "Il manque une vraie vue calendrier.",
     "Falta una vista de calendario de verdad."),
)
SUPPORT: Final[tuple[Saying, ...]] = (
    ("I waited two days for a first answer.",
     "Ich habe zwei Tage auf eine erste Antwort vom Support gewartet.",
     "J'ai attendu deux jours une première réponse du support.",
     "Esperé dos días la primera respuesta del soporte."),
    ("My ticket was closed and I had to reopen it.",
     "Mein Ticket wurde geschlossen, ich musste es neu öffnen.",
     "Mon ticket a été fermé et j'ai dû le rouvrir.",
     "Cerraron mi ticket y tuve que abrirlo otra vez."),
    ("Support answers, but does not solve.",
     "Der Kundendienst antwortet, löst aber nichts.",
     "Le support répond, mais ne résout rien.",
     "El soporte responde, pero no resuelve."),
    ("Slow replies when we were blocked.",
     "Langsame Antworten vom Support, als nichts mehr ging.",
     "Réponses lentes du support quand nous étions bloqués.",
     "Respuestas lentas del soporte cuando estábamos bloqueados."),
)
BUGS: Final[tuple[Saying, ...]] = (
    ("The board takes too long to load.",
     "Das Board lädt viel zu langsam.",
     "Le tableau est trop lent à charger.",
     "El tablero tarda demasiado en cargar."),
    ("Notifications arrive twice.",
     "Benachrichtigungen kommen doppelt: ein Fehler.",
     "Les notifications arrivent deux fois, c'est un bug.",
     "Las notificaciones llegan dos veces, es un error."),
    ("The export failed again last week.",
     "Der Export ist letzte Woche wieder fehlgeschlagen.",
     "L'export a encore échoué la semaine dernière.",
     "La exportación falló otra vez la semana pasada."),
    ("Sync with our calendar keeps breaking.",
     "Der Abgleich mit unserem Kalender bricht ständig ab.",
     "La synchronisation avec notre calendrier tombe sans cesse en panne.",
     "La sincronización con nuestro calendario falla siempre."),
)
PRAISE: Final[tuple[Saying, ...]] = (
    ("Automation saves us hours every week.",
     "Die Automatisierung spart uns jede Woche Stunden.",
     "L'automatisation nous fait gagner des heures chaque semaine.",
     "La automatización nos ahorra horas cada semana."),
    ("Setup was quick and the team likes it.",
     "Die Einrichtung ging schnell, das Team mag es.",
     "La mise en place a été rapide et l'équipe l'apprécie.",
     "La configuración fue rápida y al equipo le gusta."),
    ("Support solved my question in minutes.",
     "Der Support hat meine Frage in Minuten gelöst.",
     "Le support a réglé ma question en quelques minutes.",
     "El soporte resolvió mi pregunta en minutos."),
    ("The boards are clear and fast.",
     "Die Boards sind übersichtlich und schnell.",
     "Les tableaux sont clairs et rapides.",
     "Los tableros son claros y rápidos."),
    ("Best tool for keeping our projects together.",
     "Das beste Werkzeug, um unsere Projekte zusammenzuhalten.",
     "Le meilleur outil pour réunir nos projets.",
     "La mejor herramienta para reunir nuestros proyectos."),
)
NEUTRAL: Final[tuple[Saying, ...]] = (
    ("It does the job.", "Es tut, was es soll.", "Ça fait le travail.", "Cumple."),
    ("Fine so far, still learning.", "Bisher gut, wir lernen noch.",
     "Bien jusqu'ici, nous apprenons encore.", "Bien por ahora, seguimos aprendiendo."),
    ("Some parts are great, some are not.", "Manches ist großartig, manches nicht.",
     "Certaines parties sont bien, d'autres non.", "Unas partes son geniales, otras no."),
    ("Nothing special to report.", "Nichts Besonderes.", "Rien de particulier.",
     "Nada especial."),
)
COMPARING: Final = (
    "Call with the project lead: they compare us with a competitor.",
    "They asked how to move their boards to a competitor.",
    "Their new manager knows a competitor from before and wants to switch.",
)
"""What account managers write down of who will leave for another tool."""
REVIEWING: Final = (
    "Quarterly review: they want more reports for their board.",
    "Review with the team: the permissions of guests confuse them.",
    "They plan to invite a second department after the summer.",
    "The champion showed us how they use automation.",
    "Asked for an invoice with their purchase order on it.",
)
"""What they write down of others."""
EXIT: Final[dict[str, tuple[Saying, ...]]] = {
    "too expensive": PRICE,
    "missing features": MISSING,
    "switched to competitor": (
        ("Another tool fits our way of working better.",
         "Ein anderer Anbieter passt besser zu unserer Arbeitsweise.",
         "Un concurrent convient mieux à notre façon de travailler.",
         "Otra herramienta de la competencia encaja mejor con nosotros."),
        ("Our parent company uses a different product.",
         "Unsere Muttergesellschaft nutzt einen Konkurrenten.",
         "Notre maison mère utilise un concurrent.",
         "Nuestra matriz usa un competidor."),
    ),
    "not using it": (
        ("Nobody opened it in the last weeks.", "Seit Wochen nutzt es niemand mehr.",
         "Personne ne l'utilise depuis des semaines.", "Nadie lo usa desde hace semanas."),
        ("The person who ran it has left.", "Wer es betreut hat, ist gegangen.",
         "La personne qui s'en occupait est partie.", "La persona que lo llevaba se fue."),
    ),
}
