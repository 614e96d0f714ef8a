"""Which file extensions are what, and which names nobody wants to see.

The lists are the union of what Jellyfin (``NamingOptions.cs``), MoviePilot, partial-path-scanner, AutoFilm and
plex_autoscan know, with their slips repaired. An extension belongs to one kind only. Plain Python: the walker's child
process imports this without Django.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VIDEO = _words(
    """
    001 3g2 3gp amv asf asx avi bin bivx divx drc dv dvr-ms evo f4p f4v fli flv gifv ifo img iso m1v m2t m2ts m2v m4v
    mk3d mkv mng mov mp4 mpe mpeg mpg mpv mts mxf nrg nsv nuv ogm ogv ogx pva qt rec rm rmvb roq strm svi svq3 tp trp
    ts tts ty viv vob vp3 webm wmv wtv xesc xvid yuv
    """
)
AUDIO = _words(
    """
    aa aac aax ac3 adts aif aifc aiff alac amr aob ape au awb caf dff dsf dts dtshd eac3 ec3 f4a f4b flac gsm it m4a
    m4b m4p m4r mka mlp mod mogg mp2 mp3 mpa mpc oga ogg opus ra rf64 s3m shn snd spx tak thd truehd tta w64 wav wave
    wma wv xm
    """
)
SUBTITLE = _words("ass dfxp idx mks mpl2 pgs psb rt sami sbv smi srt ssa stl sub sup ttml usf utf vtt")
IMAGE = _words("avif bmp gif heic heif jfif jpe jpeg jpg png svg tbn tif tiff webp")
METADATA = _words("acf bif cue edl elrc json lrc m3u m3u8 nfo opf pls xml xspf")

KINDS: dict[str, frozenset[str]] = {
    "video": VIDEO,
    "audio": AUDIO,
    "subtitle": SUBTITLE,
    "image": IMAGE,
    "metadata": METADATA,
}

# Junk is dropped whatever the filter says. Compared in lower case.
JUNK_NAMES = _words(
    """
    @eadir #recycle @recycle @recently-snapshot @tmp #snapshot $recycle.bin recycler lost+found thumbs.db ehthumbs.db
    desktop.ini .ds_store .grab .unmanic .appledouble .appledb .spotlight-v100 .fseventsd .temporaryitems .trashes
    .documentrevisions-v100 .@__thumb .zfs .snapshot .snapshots .stfolder .stversions .sync .recycle .recycle.bin
    """
) | {"system volume information"}
JUNK_PREFIXES = (  # each begins with a dot
    "._",
    ".fuse_hidden",
    ".goutputstream-",
    ".mediasync-selftest-",  # ours (feeds/selftest.py)
    ".nfs",
    ".syncthing.",
    ".trash-",
)
JUNK_EXTENSIONS = _words(  # of files: downloads and copies that are not finished
    "!bt !qb !ut aria2 bc! crdownload download fdmdownload filepart opdownload part partial partial~ td tmp ut! xltd"
)

DISCS = frozenset({"BDMV", "CERTIFICATE", "VIDEO_TS", "AUDIO_TS", "HVDVD_TS"})


def disc_of(path: str) -> str:
    """Return the path of the disc folder that a path is or lies in ("Film/BDMV"), "" outside a disc."""
    parts = path.split("/")
    return next(("/".join(parts[: number + 1]) for number, part in enumerate(parts) if part.upper() in DISCS), "")
