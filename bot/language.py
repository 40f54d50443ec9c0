"""Which language and script a message is written in.

Imported inside Rasa's process too: standard library only, readable by Python 3.10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TRADITIONAL = set(
    "個們這來說時國會對過還沒麼讓從後開關間問門東車長馬魚鳥話語請謝誰該認記計訂設許訊評詢試詳調"
    "證識護變讀買賣賓質貨費資賠貼貴貸貓錢銀鐵鎮錄鐘鎖電話區醫院廠廣廳應歲幾機樓樹檢橋樣樂業極"
    "氣漢滿災為無煙熱燈營爭狀獎獨獲現環當療發盜監蓋節簽簡籌紀約級紙細終組結絕給統經綠維網線練"
    "編緩總續罰罷習聯聽職肅舊處號蘭虧術衛裝裡製複見規視覺觀親訴診詐誤貝負財貧責貿賀趕軟較輛輕"
    "輪輸轉農運達遠適選遺鄰郵釋針鋪錯鍵鐺鑰閉陽際陸險隨難雜離雙靜頂項順須預領頭題顏願類顧風飛"
    "飯飲館駕騎騙驗驚體髒鬧麵黃點齊齡龍劃動務勞勢勝匯協單廚厭參嗎員圍園圖團場塊墊壞壓壽夠夢婦"
    "媽學孫實寧寫寬寶導將專尋屆屬岡島師帳帶幣幹庫廢張強彈彙復徵態慘慣憂懷戶戲戰擔據掛掃採換損"
    "搶撥擾擬攔攜敗數敵斷曬曆條極標樁櫃權歡歸殘殺毀決況淨淺測渾湯溝滅滯潔潤澤濟濕灣爐牆"
)
CANTONESE = set("嘅唔咗喺冇啲嗰乜佢哋嘢咁噉攞揾搵俾畀睇嚟啱嘥嗌瞓諗冚嬲咩㗎喎啫囉噃")
CANTONESE_WORDS = re.compile(
    "係咪|係|邊度|边度|點樣|点样|點解|几耐|幾耐|幾多錢|几多钱|而家|聽日|琴日|尋日|細路|得唔得|有冇|隔篱|隔籬|返工"
)
ENGLISH = {
    "a",
    "an",
    "the",
    "i",
    "you",
    "he",
    "she",
    "it",
    "we",
    "they",
    "my",
    "your",
    "his",
    "her",
    "our",
    "their",
    "me",
    "him",
    "us",
    "them",
    "this",
    "that",
    "these",
    "those",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "am",
    "do",
    "does",
    "did",
    "have",
    "has",
    "had",
    "can",
    "could",
    "will",
    "would",
    "shall",
    "should",
    "may",
    "might",
    "must",
    "not",
    "no",
    "yes",
    "to",
    "of",
    "in",
    "on",
    "at",
    "for",
    "from",
    "with",
    "by",
    "about",
    "into",
    "over",
    "after",
    "before",
    "and",
    "or",
    "but",
    "if",
    "when",
    "where",
    "what",
    "who",
    "how",
    "why",
    "which",
    "there",
    "here",
    "need",
    "want",
    "get",
    "please",
    "help",
    "pay",
    "renew",
    "apply",
    "report",
    "complain",
    "lost",
    "new",
    "old",
    "ok",
    "hi",
    "hello",
    "thanks",
    "thank",
}
CHINESE_FUNCTION = set("的了吗我你他在是有不怎么哪这那要想能可就都和跟给把被吧呢啊嘛嗎麼這沒冇嘅咗唔喺係點")
OTHER_LATIN = {
    "bonjour",
    "salut",
    "merci",
    "comment",
    "où",
    "est",
    "je",
    "suis",
    "vous",
    "avec",
    "pour",
    "dans",
    "mon",
    "ma",
    "les",
    "des",
    "une",
    "renouveler",
    "voudrais",
    "besoin",
    "hola",
    "gracias",
    "dónde",
    "donde",
    "está",
    "cómo",
    "como",
    "puedo",
    "necesito",
    "quiero",
    "renovar",
    "por",
    "favor",
    "para",
    "los",
    "las",
    "una",
    "mi",
    "permiso",
    "guten",
    "tag",
    "hallo",
    "danke",
    "wie",
    "wo",
    "ich",
    "bin",
    "nicht",
    "und",
    "der",
    "die",
    "das",
    "ein",
    "eine",
    "mein",
    "meine",
    "brauche",
    "möchte",
    "verlängern",
    "kann",
    "ciao",
    "grazie",
    "dove",
    "sono",
    "vorrei",
    "della",
    "il",
    "mio",
    "obrigado",
    "onde",
    "preciso",
    "você",
    "não",
    "meu",
    "minha",
    "olá",
    "xin",
    "chào",
    "cảm",
    "ơn",
    "tôi",
    "muốn",
    "ở",
    "đâu",
    "làm",
    "thế",
    "nào",
    "không",
    "saya",
    "anda",
    "apa",
    "bagaimana",
    "mau",
    "untuk",
    "terima",
    "kasih",
    "di",
    "mana",
    "yang",
    "kumusta",
    "salamat",
    "paano",
    "saan",
    "ako",
    "ang",
    "mga",
    "po",
    "merhaba",
    "nasıl",
    "nerede",
    "teşekkürler",
} - ENGLISH
OTHER_SCRIPT = re.compile(
    r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f\u0900-\u097f\u0590-\u05ff\u0370-\u03ff]"
)
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
CODE = re.compile(r"[A-Za-z]*\d[A-Za-z0-9\-]*|https?://\S+|\S+@\S+")
LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff']+")


@dataclass(frozen=True)
class Detected:
    """Language of one text: `zh`, `en`, `other`, or `none` when nothing tells."""

    language: str
    traditional: bool = False
    cantonese: bool = False
    mixed: bool = False


def detect(text: str) -> Detected:
    """Tell the language of a text of any length; traditional characters and Cantonese are `zh`."""
    han = HAN.findall(text)
    words = [word.lower() for word in LATIN_WORD.findall(CODE.sub(" ", text))]
    foreign_script = len(OTHER_SCRIPT.findall(text))
    if foreign_script > max(1, len(words)) and foreign_script * 2 >= len(han):
        return Detected("other")
    if han:
        return _with_han(text, han, words)
    if not words or all(len(word) == 1 for word in words):
        return Detected("none")
    return Detected("other" if _is_other_latin(words) else "en")


def _with_han(text: str, han: list[str], words: list[str]) -> Detected:
    cantonese = any(char in CANTONESE for char in han) or bool(CANTONESE_WORDS.search(text))
    traditional = any(char in TRADITIONAL for char in han) or (cantonese and not _has_simplified_only(text))
    english_words = [word for word in words if len(word) > 1 or word == "i"]
    if english_words and _english_carries(han, english_words):
        return Detected("en", mixed=True)
    return Detected("zh", traditional, cantonese, mixed=bool(english_words))


def _english_carries(han: list[str], words: list[str]) -> bool:
    """Whether the sentence is English around some Chinese names."""
    if len(words) < 2 and words[0] not in ENGLISH:
        return False
    chinese_function = sum(char in CHINESE_FUNCTION for char in han)
    english_function = sum(word in ENGLISH for word in words)
    if english_function >= 2 and chinese_function == 0:
        return True
    if chinese_function and not english_function:
        return False
    return len(words) + english_function > len(han) / 1.6 + chinese_function


def _has_simplified_only(text: str) -> bool:
    return bool(
        re.search(
            "[们这来说时国会对过还没让从后开关间问门东车长话请谁该认记计证护变读买卖钱电区医厂广应楼样乐业气为无热]",
            text,
        )
    )


def _is_other_latin(words: list[str]) -> bool:
    foreign = sum(word in OTHER_LATIN for word in words)
    english = sum(word in ENGLISH for word in words)
    accented = sum(bool(re.search(r"[\u00c0-\u024f\u1e00-\u1eff]", word)) for word in words)
    if accented + foreign == 0:
        return False
    return foreign + accented > english and (foreign + accented >= 2 or len(words) <= 2)
